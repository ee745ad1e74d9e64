//! A graph of "this before that", with gates: all of one group before all of another, at a cost that
//! is their sum and not their product.

use super::order::Reason;

/// All of `before` come before all of `after`.
#[derive(Debug)]
pub(super) struct Gate {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
    pub reason: Reason,
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    pub size: usize,
    pub edges: Vec<(u32, u32, Reason)>,
    pub gates: Vec<Gate>,
}

/// Above so many edges, a gate is a tree instead of one edge for each pair.
const PAIRS_MAX: usize = 4096;

impl Graph {
    pub fn edge(&mut self, before: u32, after: u32, reason: Reason) {
        if before != after {
            self.edges.push((before, after, reason));
        }
    }

    pub fn gate(&mut self, before: &[u32], after: &[u32], reason: Reason) {
        if !before.is_empty() && !after.is_empty() {
            self.gates.push(Gate { before: before.to_vec(), after: after.to_vec(), reason });
        }
    }

    /// An order of the nodes that keeps every edge and gate, or the nodes that are on a circle or
    /// behind one. Always the same for the same graph.
    pub fn sort(&self) -> Result<Vec<u32>, Vec<u32>> {
        let total = self.size + self.gates.len();
        let mut waiting = vec![0_u32; total];
        let mut starts = vec![0_usize; total + 1];
        let pairs = || {
            let plain = self.edges.iter().map(|(a, b, _)| (*a as usize, *b as usize));
            let gates = self.gates.iter().enumerate().flat_map(|(i, gate)| {
                let node = self.size + i;
                let into = gate.before.iter().map(move |b| (*b as usize, node));
                into.chain(gate.after.iter().map(move |a| (node, *a as usize)))
            });
            plain.chain(gates)
        };
        for (a, b) in pairs() {
            waiting[b] += 1;
            starts[a + 1] += 1;
        }
        for i in 0..total {
            starts[i + 1] += starts[i];
        }
        let mut fill = starts.clone();
        let mut targets = vec![0_u32; starts[total]];
        for (a, b) in pairs() {
            targets[fill[a]] = b as u32;
            fill[a] += 1;
        }
        let mut order: Vec<u32> = (0..total as u32).filter(|n| waiting[*n as usize] == 0).collect();
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            for &target in &targets[starts[node as usize]..starts[node as usize + 1]] {
                waiting[target as usize] -= 1;
                if waiting[target as usize] == 0 {
                    order.push(target);
                }
            }
        }
        let is_node = |n: &u32| (*n as usize) < self.size;
        if order.len() == total {
            Ok(order.into_iter().filter(is_node).collect())
        } else {
            Err((0..total as u32).filter(|n| waiting[*n as usize] > 0 && is_node(n)).collect())
        }
    }

    /// The edges alone, gates spelled out, each pair once with its first reason; sorted by the later
    /// node. `order` is that of [`Graph::sort`].
    pub fn spelled_out(&self, order: &[u32]) -> Vec<(u32, u32, Reason)> {
        let mut position = vec![0_u32; self.size];
        for (p, &node) in order.iter().enumerate() {
            position[node as usize] = p as u32;
        }
        let mut edges = self.edges.clone();
        for gate in &self.gates {
            if gate.before.len().saturating_mul(gate.after.len()) <= PAIRS_MAX {
                for &b in &gate.before {
                    edges.extend(gate.after.iter().filter(|a| **a != b).map(|&a| (b, a, gate.reason)));
                }
                continue;
            }
            // Each of the group waits for four earlier ones of it, and whatever is behind the gate for
            // the last: whoever is held back by one of the group is held back by all, which is safe.
            let mut group = gate.before.clone();
            group.sort_unstable_by_key(|n| position[*n as usize]);
            group.dedup();
            let last = group.len() - 1;
            for i in 1..=last {
                // Counted from the end: the last one is the root of the tree.
                let (child, parent) = (last - i, last - (i - 1) / 4);
                edges.push((group[child], group[parent], gate.reason));
            }
            edges.extend(gate.after.iter().map(|&a| (group[last], a, gate.reason)));
        }
        edges.sort_unstable_by_key(|&(before, after, reason)| (after, before, reason));
        edges.dedup_by_key(|&mut (before, after, _)| (after, before));
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_gate_costs_its_sum() {
        let mut graph = Graph { size: 2000, ..Graph::default() };
        let (before, after): (Vec<u32>, Vec<u32>) = ((0..1000).collect(), (1000..2000).collect());
        graph.gate(&before, &after, Reason::AdminRemains);
        let order = graph.sort().unwrap();
        let edges = graph.spelled_out(&order);
        assert_eq!(edges.len(), 999 + 1000);
        let mut position = vec![0; 2000];
        order.iter().enumerate().for_each(|(p, n)| position[*n as usize] = p);
        assert!(edges.iter().all(|(a, b, _)| position[*a as usize] < position[*b as usize]));
        // Everything before is reached from whatever comes after.
        let mut reached = vec![false; 2000];
        let mut open = vec![1999_u32];
        while let Some(n) = open.pop() {
            for (a, ..) in edges.iter().filter(|(_, b, _)| *b == n) {
                if !std::mem::replace(&mut reached[*a as usize], true) {
                    open.push(*a);
                }
            }
        }
        assert!(reached[..1000].iter().all(|r| *r));
    }

    #[test]
    fn a_circle_is_named() {
        let mut graph = Graph { size: 3, ..Graph::default() };
        graph.edge(0, 1, Reason::ExistsBeforeUse);
        graph.edge(1, 0, Reason::ExistsBeforeUse);
        assert_eq!(graph.sort(), Err(vec![0, 1]));
    }
}
