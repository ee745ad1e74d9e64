//! The items of a review, one kind after the other.

use rustc_hash::FxHashMap;

use super::{Item, Risk, Subject, Topic, days, days_between, policy};
use crate::access::{At, Invited, Way, World};
use crate::diagnostic::Location;
use crate::model::{
    Catalogue, Directory, Grant, Membership, Moment, ObjectRef, Principal, ResourceId, RoleId, Standing, User, UserId,
    UserKind, UserState,
};

/// Everything to look at, in no order, and what could not be told.
pub(super) fn items<O: Copy>(subject: &Subject<'_, O>) -> (Vec<Item>, Vec<String>) {
    let desired = &subject.desired.directory;
    let live = subject.live.unwrap_or(desired);
    let mut held: FxHashMap<Principal, Vec<usize>> = FxHashMap::default();
    for (index, grant) in live.grants().iter().enumerate() {
        held.entry(grant.principal).or_default().push(index);
    }
    let mut owned: FxHashMap<UserId, Vec<ResourceId>> = FxHashMap::default();
    for (index, resource) in live.resources().iter().enumerate() {
        if let Some(owner) = resource.owner.value() {
            owned.entry(*owner).or_default().push(ResourceId(index as u32));
        }
    }
    let was = desired.users().iter().enumerate();
    let was = was.filter_map(|(i, u)| Some((u.was.as_deref()?, UserId(i as u32)))).collect();
    let world = World::of(live, &subject.desired.catalogue, subject.now);
    let least = less_than(live, &subject.desired.catalogue, &world);
    let mut look = Look { subject, live, world, least, held, owned, was, items: Vec::new(), notes: Vec::new() };
    look.people();
    look.orphans();
    look.late();
    look.grants();
    look.memberships();
    (look.items, look.notes)
}

/// Something that a role may do more than.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Less {
    /// No other role may do less.
    Nothing,
    /// This one may do less.
    Than(String),
    /// Nobody has published what the role may do.
    Unknown,
}

/// For each live role, whether there is one that may do less: then it can do more than read, or than
/// whatever the least is in this system.
fn less_than(live: &Directory, catalogue: &Catalogue, world: &World<'_>) -> Vec<Less> {
    let standings = catalogue.standings();
    let empty =
        |name: &str| catalogue.roles.get(name).is_some_and(|r| r.permissions.as_ref().is_some_and(Vec::is_empty));
    let bits: Vec<_> = (0..live.roles().len()).map(|i| world.role_bits(RoleId(i as u32), At::Before).given).collect();
    let mut found = Vec::with_capacity(live.roles().len());
    for (index, role) in live.roles().iter().enumerate() {
        let less = match catalogue.role(&role.name) {
            Some((_, entry)) if entry.permissions.is_none() => Less::Unknown,
            Some((proper, _)) => {
                let mut below = standings.iter().filter_map(|(a, b, stands)| match stands {
                    Standing::Above if *a == proper => Some(*b),
                    Standing::Below if *b == proper => Some(*a),
                    _ => None,
                });
                below.find(|name| !empty(name)).map_or(Less::Nothing, |name| Less::Than(name.to_owned()))
            }
            None => {
                let below = bits.iter().position(|b| !b.is_empty() && *b != bits[index] && b.within(&bits[index]));
                below.map_or(Less::Nothing, |i| Less::Than(live.roles()[i].name.to_string()))
            }
        };
        found.push(less);
    }
    found
}

struct Look<'a, O> {
    subject: &'a Subject<'a, O>,
    live: &'a Directory,
    world: World<'a>,
    least: Vec<Less>,
    held: FxHashMap<Principal, Vec<usize>>,
    owned: FxHashMap<UserId, Vec<ResourceId>>,
    /// Users by the address that they had before.
    was: FxHashMap<&'a str, UserId>,
    items: Vec<Item>,
    notes: Vec<String>,
}

/// Why somebody should be gone.
enum Gone {
    Ended(Moment),
    Blocked(Option<String>),
    Disabled,
}

impl<'a, O: Copy> Look<'a, O> {
    /// The user as the files declare them.
    fn declared(&self, email: &str) -> Option<UserId> {
        self.subject.desired.directory.find_user(email).or_else(|| self.was.get(email).copied())
    }

    fn declared_user(&self, email: &str) -> Option<&'a User> {
        self.declared(email).map(|id| self.subject.desired.directory.user(id))
    }

    fn place(&self, origin: Option<&O>) -> Option<Location> {
        origin.map(|o| (self.subject.locate)(*o))
    }

    fn place_of_user(&self, email: &str) -> Option<Location> {
        let id = self.declared(email)?;
        self.place(self.subject.desired.origins.users.get(id.index()))
    }

    /// The declared membership, by its number.
    fn declared_member(&self, member: &Membership) -> Option<usize> {
        let desired = &self.subject.desired.directory;
        let team = desired.find_team(&self.live.team(member.team).name)?;
        let user = self.declared(&self.live.user(member.user).email)?;
        desired.memberships().binary_search_by_key(&(team, user), |m| (m.team, m.user)).ok()
    }

    /// The declared grant, by its number.
    fn declared_grant(&self, grant: &Grant) -> Option<usize> {
        let desired = &self.subject.desired.directory;
        let resource = desired.find_resource(&self.live.resource(grant.resource).name)?;
        let role = desired.find_role(&self.live.role(grant.role).name)?;
        let principal = match grant.principal {
            Principal::User(id) => Principal::User(self.declared(&self.live.user(id).email)?),
            Principal::Team(id) => Principal::Team(desired.find_team(&self.live.team(id).name)?),
            Principal::Everyone => Principal::Everyone,
        };
        desired.grants().binary_search_by_key(&(resource, principal, role), |g| (g.resource, g.principal, g.role)).ok()
    }

    /// Adds an item about somebody.
    fn about(&mut self, risk: Risk, topic: Topic, user: UserId, because: String, since: Option<Moment>, advice: &str) {
        let email = self.live.user(user).email.to_string();
        self.items.push(Item {
            risk,
            topic,
            object: ObjectRef::user(&email),
            question: topic.question().to_owned(),
            because,
            since,
            days: since.map(|s| days_between(s, self.subject.now)),
            declared: self.place_of_user(&email),
            who: Some(email),
            advice: advice.to_owned(),
        });
    }

    fn people(&mut self) {
        let live = self.live;
        let people = || (0..live.users().len() as u32).map(UserId);
        let tells = live.users().iter().any(|u| u.last_seen.is_some());
        let mut can_come_in = 0;
        for user in people() {
            self.administrator(user);
            self.stranger(user);
            let gone = self.gone(user);
            if let Some(gone) = &gone {
                self.should_be_gone(user, gone);
            }
            if self.world.is_active(user, At::Before) {
                can_come_in += 1;
                if gone.is_none() && tells {
                    self.not_seen(user);
                }
                self.service(user);
            }
            if live.user(user).state == UserState::InvitationExpired && gone.is_none() {
                let advice = match self.declared(&live.user(user).email) {
                    Some(_) => {
                        "take them out of the files; `rolecall apply` invites them again where the policy allows it"
                    }
                    None => "take the invitation back in the system",
                };
                let because = "they were invited and did not come in time".to_owned();
                self.about(Risk::Low, Topic::InvitationExpired, user, because, None, advice);
            }
        }
        if self.subject.live.is_none() {
            self.notes.push(
                "only the files were looked at: they do not tell who was seen when, nor who is live and should be gone"
                    .to_owned(),
            );
        } else if !tells && can_come_in > 0 {
            self.notes.push(
                "nobody's last visit is known: this target does not tell it, so it cannot be said who was not seen"
                    .to_owned(),
            );
        }
    }

    /// When somebody was last seen, in words.
    fn seen(&self, user: UserId) -> Option<String> {
        let seen = self.live.user(user).last_seen?;
        Some(format!("last seen {} ({} ago)", seen.day(), days(days_between(seen, self.subject.now))))
    }

    fn administrator(&mut self, user: UserId) {
        let (mut ways, mut team) = (Vec::new(), None);
        self.world.ways(user, None, At::Before, Invited::MayCome, |step| {
            if step.bits.is_administrator() {
                ways.push(step.way);
            }
        });
        if ways.is_empty() {
            return;
        }
        let (live, account) = (self.live, self.live.user(user));
        let mut said: Vec<String> = ways
            .iter()
            .filter_map(|way| match way {
                Way::Role(role) => Some(format!("by their own role {}", live.role(*role).name)),
                Way::Team { team: of, member, role, .. } => {
                    team = team.or(Some(*member));
                    Some(format!("by the role {} of the team {}", live.role(*role).name, live.team(*of).name))
                }
                Way::Member { team: of, role, .. } => {
                    team = team.or(Some(*of));
                    Some(format!("by their role {} in the team {}", live.role(*role).name, live.team(*of).name))
                }
                Way::Grant { .. } | Way::Owner { .. } | Way::Visible { .. } => None,
            })
            .collect();
        if account.state != UserState::Active {
            said.push("invited: from when they come in".to_owned());
        }
        match account.kind() {
            UserKind::Person => {}
            UserKind::Contractor => said.push("a contractor".to_owned()),
            UserKind::Service => said.push("a service".to_owned()),
            UserKind::BreakGlass => said.push("for emergencies".to_owned()),
        }
        said.extend(self.seen(user));
        let own = ways.iter().any(|w| matches!(w, Way::Role(_)));
        let declared = self.declared(&account.email).is_some();
        let advice = match (own, declared, team) {
            (true, true, _) => "write a lesser `role:` for them",
            (true, false, _) => "declare them under `users:` with a lesser `role:`",
            (false, _, Some(_)) => "take them out of the team",
            (false, _, None) => "give them less",
        };
        self.about(Risk::High, Topic::Administrator, user, said.join("; "), None, advice);
        if let (false, Some(team)) = (own, team)
            && let Some(member) = live.find_membership(team, user)
        {
            let place = self.declared_member(member);
            let place = place.and_then(|i| self.place(self.subject.desired.origins.memberships.get(i)));
            if let (Some(item), Some(place)) = (self.items.last_mut(), place) {
                item.declared = Some(place);
            }
        }
    }

    /// Somebody whom no file knows, in this target or in another.
    fn stranger(&mut self, user: UserId) {
        let email = &self.live.user(user).email;
        let told = self.subject.strangers.and_then(|s| s.told(email, &self.subject.desired.target));
        let Some(because) = told else { return };
        let risk = match (self.power(user), self.world.is_active(user, At::Before)) {
            (Some(_), true) => Risk::High,
            (None, true) => Risk::Medium,
            (_, false) => Risk::Low,
        };
        let advice = "declare them under `users:`, or take the account away";
        self.about(risk, Topic::Unknown, user, because, None, advice);
    }

    /// Why somebody who is live should be gone.
    fn gone(&self, user: UserId) -> Option<Gone> {
        let account = self.live.user(user);
        if account.state == UserState::Disabled {
            return None;
        }
        let declared = self.declared_user(&account.email);
        if let Some(because) = declared.and_then(|d| self.subject.desired.blocks.get(&*d.email)) {
            return Some(Gone::Blocked(because.clone()));
        }
        // What the files say of the last day goes over what is live.
        let end = match declared.map(|d| &d.until) {
            Some(said) if !said.is_unsaid() => said.value(),
            _ => account.until.value(),
        };
        match end {
            Some(end) if end.is_past(self.subject.now) => Some(Gone::Ended(*end)),
            _ if declared.is_some_and(|d| d.state == UserState::Disabled) => Some(Gone::Disabled),
            _ => None,
        }
    }

    fn should_be_gone(&mut self, user: UserId, gone: &Gone) {
        let account = self.live.user(user);
        let comes_in = self.world.is_active(user, At::Before);
        let invited = account.state != UserState::Active;
        let now = if invited {
            "their invitation is still open"
        } else if comes_in {
            "they still have access"
        } else {
            "their account is still active, and only its end date keeps them out"
        };
        let (why, since) = match gone {
            Gone::Ended(end) => {
                let kept = days(days_between(*end, self.subject.now));
                (format!("their last day was {}, {kept} ago, and {now}", end.short()), Some(*end))
            }
            Gone::Blocked(Some(because)) => (format!("they are blocked ({because}), and {now}"), None),
            Gone::Blocked(None) => (format!("they are blocked, and {now}"), None),
            Gone::Disabled => (format!("the files disable them, and {now}"), None),
        };
        let risk = if comes_in { Risk::High } else { Risk::Medium };
        let advice = match self.declared(&account.email) {
            Some(_) => "run `rolecall apply`: it ends their account",
            None => "declare them with `state: disabled`, and run `rolecall apply`",
        };
        self.about(risk, Topic::ShouldBeGone, user, why, since, advice);
    }

    fn not_seen(&mut self, user: UserId) {
        let (now, inactive) = (self.subject.now, i64::from(policy(self.subject.desired).inactive));
        let account = self.live.user(user);
        if account.kind() == UserKind::BreakGlass {
            return;
        }
        let since = now.plus_days(-inactive);
        let began = self.subject.past.and_then(|p| p.began.get(&*account.email)).copied();
        let seen = match account.last_seen {
            Some(seen) if seen > since => return,
            Some(seen) => format!("last seen {}, {} ago", seen.day(), days(days_between(seen, now))),
            // Who has just got the account is given the same time to come in.
            None if began.is_some_and(|b| b > since) => return,
            None => began.map_or_else(
                || "never seen".to_owned(),
                |b| format!("never seen since the account began {}, {} ago", b.day(), days(days_between(b, now))),
            ),
        };
        let power = self.power(user);
        let risk = if power.is_some() { Risk::High } else { Risk::Medium };
        let because = power.map_or(seen.clone(), |power| format!("{seen}; {power}"));
        let advice = match (self.declared(&account.email), account.kind()) {
            (Some(_), UserKind::Service) => "write `state: disabled` for it",
            (Some(_), _) => "write `state: disabled` for them",
            (None, _) => "declare them with `state: disabled`",
        };
        self.about(risk, Topic::NotSeen, user, because, account.last_seen.or(began), advice);
    }

    /// What somebody may do beyond the least that there is, in words.
    fn power(&self, user: UserId) -> Option<String> {
        if self.world.access(user, None, At::Before, Invited::Nothing).is_administrator() {
            return Some("administers".to_owned());
        }
        let told = |role: RoleId, at: &str| {
            let name = &self.live.role(role).name;
            match self.least.get(role.index())? {
                Less::Nothing => None,
                Less::Than(other) => Some(format!("holds {name}{at}, which may do more than {other}")),
                Less::Unknown => Some(format!("holds {name}{at}, and what that may do is not published")),
            }
        };
        let everywhere = self.world.roles_held(user, None, At::Before, Invited::Nothing);
        if let Some(found) = everywhere.into_iter().find_map(|role| told(role, "")) {
            return Some(found);
        }
        if let Some(first) = self.owned.get(&user).and_then(|all| all.first()) {
            return Some(format!("owns {}", self.live.resource(*first).name));
        }
        let teams = self.world.teams_of(user, At::Before).into_iter().map(Principal::Team);
        let principals = [Principal::User(user), Principal::Everyone].into_iter().chain(teams);
        let grants = principals.filter_map(|p| self.held.get(&p)).flatten().filter_map(|i| self.live.grants().get(*i));
        grants.filter(|g| !self.world.has_ended(g.until)).find_map(|grant| {
            let name = &self.live.resource(grant.resource).name;
            let found = told(grant.role, &format!(" on {name}"))?;
            // A role of the user may bound what the grant gives.
            let given = self.world.role_bits(grant.role, At::Before).given;
            let access = self.world.access(user, Some(grant.resource), At::Before, Invited::Nothing);
            given.within(&access).then_some(found)
        })
    }

    fn service(&mut self, user: UserId) {
        let account = self.live.user(user);
        let declared = self.declared_user(&account.email);
        let kind = account.kind.value().or_else(|| declared.and_then(|d| d.kind.value()));
        if kind != Some(&UserKind::Service) {
            return;
        }
        let owner = match declared.map(|d| &d.owner) {
            Some(said) if !said.is_unsaid() => said.value(),
            _ => account.owner.value(),
        };
        let because = match owner {
            None => "nobody is said to answer for it".to_owned(),
            Some(owner) => {
                let there = self.live.find_user(owner);
                let files = self.declared_user(owner);
                if there.is_some_and(|id| !self.world.is_active(id, At::Before)) {
                    format!("{owner}, who answers for it, cannot come in any more")
                } else if files.is_some_and(|f| f.state == UserState::Disabled) {
                    format!("{owner}, who answers for it, is disabled in the files")
                } else if there.is_none() && files.is_none() && knows_people(self.live) {
                    format!("{owner}, who answers for it, is nobody here: not in the files, not in the target")
                } else {
                    return;
                }
            }
        };
        let advice = match declared {
            Some(_) => "write an `owner:` who is there",
            None => "declare it with `kind: service` and an `owner:`",
        };
        self.about(Risk::Medium, Topic::ServiceWithoutOwner, user, because, None, advice);
    }

    /// What belongs to somebody who cannot come in: resources, teams, services.
    fn orphans(&mut self) {
        let live = self.live;
        let mut left: FxHashMap<UserId, Vec<String>> = FxHashMap::default();
        for (owner, resources) in &self.owned {
            let names = resources.iter().map(|r| live.resource(*r).name.to_string());
            left.entry(*owner).or_default().extend(names);
        }
        for team in live.teams() {
            for lead in team.leads.value().into_iter().flatten() {
                left.entry(*lead).or_default().push(format!("the lead of team/{}", team.name));
            }
        }
        let mut left: Vec<(UserId, Vec<String>)> = left.into_iter().collect();
        left.sort_unstable_by_key(|(user, _)| *user);
        for (user, things) in left {
            let invited = matches!(live.user(user).state, UserState::Invited | UserState::InvitationExpired);
            if self.world.is_active(user, At::Before) || invited {
                continue;
            }
            let said = match live.user(user).state {
                UserState::Disabled => "disabled",
                _ => "past their last day",
            };
            let because = format!("{said}, and still has {}", things.join(", "));
            let advice = "give it to somebody who is there: `owner:` of a resource, `lead:` of a team";
            self.about(Risk::Medium, Topic::Orphan, user, because, None, advice);
        }
    }

    /// Who kept access beyond their last day, as far as the ledger tells, within one interval of reviews.
    fn late(&mut self) {
        let (Some(past), now) = (self.subject.past, self.subject.now) else { return };
        let first = now.plus_days(-i64::from(policy(self.subject.desired).every));
        for left in past.left.iter().filter(|l| l.ended >= first && l.ended <= now) {
            let kept = days_between(left.last, left.ended);
            self.items.push(Item {
                risk: Risk::Low,
                topic: Topic::EndedLate,
                object: ObjectRef::user(&left.email),
                who: Some(left.email.clone()),
                question: Topic::EndedLate.question().to_owned(),
                because: format!(
                    "their last day was {}, and their access ended {}: they kept it for {}",
                    left.last.short(),
                    left.ended.short(),
                    days(kept)
                ),
                since: Some(left.last),
                days: Some(kept),
                declared: self.place_of_user(&left.email),
                advice: "nothing is left to end; write `until:` before the last day comes, and apply every day"
                    .to_owned(),
            });
        }
    }

    fn grants(&mut self) {
        let desired = self.subject.desired;
        for grant in self.live.grants().iter().filter(|g| g.because.is_none() && !self.world.has_ended(g.until)) {
            let declared = self.declared_grant(grant);
            if declared.is_some_and(|i| desired.directory.grants()[i].because.is_some()) {
                continue;
            }
            let principal = self.live.principal_record(grant.principal).to_string();
            let resource = &self.live.resource(grant.resource).name;
            let role = &self.live.role(grant.role).name;
            let until = grant.until.map_or("without an end".to_owned(), |u| format!("until {}", u.short()));
            let (risk, everyone) = match grant.principal {
                Principal::Everyone => (Risk::Medium, ", and everyone has it"),
                _ => (Risk::Low, ""),
            };
            let advice = match declared {
                Some(_) => "take it away, or write `because:`",
                None => "take it away; to keep it, declare it with `because:`",
            };
            self.items.push(Item {
                risk,
                topic: Topic::GrantWithoutReason,
                object: ObjectRef::grant(resource, &principal),
                who: match grant.principal {
                    Principal::User(_) => Some(principal),
                    _ => None,
                },
                question: Topic::GrantWithoutReason.question().to_owned(),
                because: format!("{role}, {until}{everyone}"),
                since: None,
                days: None,
                declared: declared.and_then(|i| self.place(desired.origins.grants.get(i))),
                advice: advice.to_owned(),
            });
        }
    }

    fn memberships(&mut self) {
        let desired = self.subject.desired;
        for member in self.live.memberships().iter().filter(|m| !self.world.has_ended(m.until.value().copied())) {
            let (team, user) = (self.live.team(member.team), self.live.user(member.user));
            let declared = self.declared_member(member);
            let leads = team.leads.value().is_some_and(|leads| leads.contains(&member.user));
            let mut said = vec![if leads { "leads it" } else { "member" }.to_owned()];
            said.extend(member.role.value().map(|r| format!("as {}", self.live.role(*r).name)));
            said.extend(member.until.value().map(|u| format!("until {}", u.short())));
            if user.state != UserState::Active {
                said.push(user.state.word().to_owned());
            }
            let reason = declared.and_then(|i| desired.directory.memberships()[i].because);
            let reason = match (reason, member.because) {
                (Some(id), _) => Some(desired.directory.reason(id)),
                (None, Some(id)) => Some(self.live.reason(id)),
                (None, None) => None,
            };
            said.extend(reason.map(|text| format!("because: {text}")));
            let advice = match declared {
                Some(_) => "take the line of the membership away",
                None => "declare `members:` of the team without them",
            };
            self.items.push(Item {
                risk: Risk::Low,
                topic: Topic::Membership,
                object: ObjectRef::member(&team.name, &user.email),
                who: Some(user.email.to_string()),
                question: Topic::Membership.question().to_owned(),
                because: said.join(", "),
                since: None,
                days: None,
                declared: declared.and_then(|i| self.place(desired.origins.memberships.get(i))),
                advice: advice.to_owned(),
            });
        }
    }
}

/// Whether a target has accounts of people at all: where it has only services, their owners are elsewhere.
fn knows_people(live: &Directory) -> bool {
    live.users().iter().any(|u| u.kind() != UserKind::Service)
}
