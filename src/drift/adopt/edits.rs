//! The edit that makes the files say what is live, difference by difference.

use super::files::{Files, Place, Why};
use super::words::{Words, filled};
use crate::config::edit::Value;
use crate::model::{
    Change, Directory, DomainRecord, GrantedRole, MemberRecord, PrincipalRecord, QuotaRecord, ResourceRecord,
    TeamRecord, UserKind, UserRecord, UserState, Why as Reason,
};

/// Edits the files so that a difference is none. What was edited before an error has to be forgotten.
pub(super) fn adopt(files: &mut Files, words: &Words<'_>, live: &Directory, change: &Change) -> Result<(), Why> {
    match change.reason() {
        Some(Reason::Blocked { .. }) => return Err("they are blocked: take the block away first".to_owned()),
        Some(Reason::Expired { until }) => {
            return Err(format!("it ended {}: give it another end in the files", until.short()));
        }
        _ => {}
    }
    let edits = Edits { words: *words, live };
    match change {
        Change::CreateRole { .. } | Change::UpdateRole { .. } | Change::DeleteRole { .. } => {
            Err("what roles may do is not adopted: change it in the files".to_owned())
        }
        Change::SetPolicy { .. } | Change::UnsetPolicy { .. } => {
            Err("policies are not adopted: change them in the files".to_owned())
        }
        Change::RenameUser { .. } | Change::RenameTeam { .. } | Change::RenameResource { .. } => {
            Err("the files rename it: take `was:` away first, if that is not to be".to_owned())
        }
        Change::CreateUser { user } | Change::InviteUser { user } => edits.user_goes(files, user),
        Change::DisableUser { user, reason: Reason::Undeclared } | Change::DeleteUser { user, .. } => {
            edits.user_comes(files, user)
        }
        Change::DisableUser { user, .. } => edits.state(files, &user.email, UserState::Active),
        Change::EnableUser { user } => edits.state(files, &user.email, UserState::Disabled),
        Change::UpdateUser { before, after } => edits.user(files, after, before),
        Change::CreateTeam { team } => {
            let place = words.team_at(files, &team.name).ok_or("its declaration is not found")?;
            files.remove(&place)
        }
        Change::DeleteTeam { team, .. } => edits.team_comes(files, team),
        Change::UpdateTeam { before, after } => edits.team(files, after, before),
        Change::SetLeads { team, before, .. } => edits.leads(files, team, before),
        Change::AddMember { member } => edits.member_goes(files, member),
        Change::RemoveMember { member, .. } => edits.member_comes(files, member),
        Change::ChangeMember { before, .. } => edits.member(files, before),
        Change::CreateResource { resource } => {
            let place = words.resource_at(files, &resource.name).ok_or("its declaration is not found")?;
            files.remove(&place)
        }
        Change::DeleteResource { resource, .. } => edits.resource_comes(files, resource),
        Change::UpdateResource { before, after } => edits.resource(files, after, before),
        Change::GiveGrant { to, resource, roles } => {
            roles.iter().try_for_each(|role| edits.grant_goes(files, to, resource, &role.role))
        }
        Change::RevokeGrant { to, resource, roles, .. } => {
            roles.iter().try_for_each(|role| edits.grant_comes(files, to, resource, role))
        }
        Change::ChangeGrant { to, resource, before, after } => edits.grant(files, to, resource, after, before),
        Change::AddDomain { domain } => {
            let place = words.domain_at(files, &domain.name).ok_or("its declaration is not found")?;
            files.remove(&place)
        }
        Change::RemoveDomain { domain, .. } => {
            let value = edits.domain_value(domain);
            files.add_entry("domains", &domain.name, &value)
        }
        Change::ChangeDomain { before, after } => edits.domain(files, after, before),
    }
}

struct Edits<'a> {
    words: Words<'a>,
    live: &'a Directory,
}

fn text(value: &Option<String>) -> Option<Value> {
    value.as_deref().map(Value::text)
}

fn table(of: &std::collections::BTreeMap<String, String>) -> Option<Value> {
    let entries = of.iter().map(|(k, v)| (k.clone(), Value::text(v.as_str()))).collect();
    (!of.is_empty()).then_some(Value::Map(entries))
}

fn texts(of: impl Iterator<Item = String>) -> Value {
    Value::List(of.map(Value::Text).collect())
}

impl Edits<'_> {
    fn target(&self) -> &str {
        &self.words.target.name
    }

    fn role(&self, native: Option<&str>) -> Option<Value> {
        native.map(|r| Value::text(self.words.role_here(r)))
    }

    fn user_place(&self, files: &mut Files, email: &str) -> Result<Place, Why> {
        self.words.user_at(files, email).ok_or_else(|| format!("the declaration of {email} is not found"))
    }

    fn set(&self, files: &mut Files, place: &Place, path: &[&str], to: &Value) -> Result<(), Why> {
        files.set(&place.file, &place.tree, (Some(place.key), place.value), path, to)
    }

    // ---- users ----

    /// Somebody who is live and not declared here.
    fn user_comes(&self, files: &mut Files, user: &UserRecord) -> Result<(), Why> {
        let state = (user.state == UserState::Disabled).then(|| Value::text("disabled"));
        let until = user.until.map(Value::moment);
        if let Some(place) = self.words.user_at(files, &user.email) {
            let native = self.role(user.role.as_deref());
            let here = filled(vec![("role", native), ("name", text(&user.name)), ("state", state), ("until", until)]);
            return self.set(files, &place, &["at", self.target()], &here);
        }
        let (role, wide) = user.role.as_deref().map(|r| self.words.role(r)).unzip();
        let targets = wide.unwrap_or(false).then(|| texts(std::iter::once(self.target().to_owned())));
        let at = role.is_none().then(|| Value::Map(vec![(self.target().to_owned(), Value::Map(Vec::new()))]));
        let kind = (user.kind != UserKind::Person).then(|| Value::text(user.kind.word()));
        let value = filled(vec![
            ("name", text(&user.name)),
            ("kind", kind),
            ("role", role.map(Value::Text)),
            ("state", state),
            ("until", until),
            ("timezone", text(&user.timezone)),
            ("owner", user.owner.as_deref().map(|o| Value::text(self.words.user_name(o)))),
            ("attributes", table(&user.attributes)),
            ("handles", table(&user.handles)),
            ("targets", targets),
            ("at", at),
        ]);
        files.add_entry("users", &user.email, &value)
    }

    /// Somebody who is declared here and not live.
    fn user_goes(&self, files: &mut Files, user: &UserRecord) -> Result<(), Why> {
        let place = self.user_place(files, &user.email)?;
        if self.words.targets_of_user(&user.email) < 2 {
            return files.remove(&place);
        }
        let at = place.tree.get(place.value, "at").and_then(|at| place.tree.get(at.value, self.target()));
        if at.is_some() {
            let at = place.tree.get(place.value, "at").filter(|f| f.own.is_some()).ok_or("it comes from an anchor")?;
            let index = at.own.unwrap_or_default();
            let (key, value) = place.tree.entries(place.value)[index];
            let here = Place { map: place.value, index, key, value, ..place.clone() };
            return files.unset(&here, self.target(), &Value::nothing());
        }
        let others = self.words.declaration.targets.iter().filter(|t| t.name != *self.target());
        let others = others.filter(|t| t.desired.directory.find_user(&user.email).is_some());
        self.set(files, &place, &["targets"], &texts(others.map(|t| t.name.clone())))
    }

    /// Where something about a user in this target is said: in general, or for this target alone.
    fn path<'p>(&'p self, place: &Place, email: &str, key: &'p str) -> Vec<&'p str> {
        let at = place.tree.get(place.value, "at").and_then(|at| place.tree.get(at.value, self.target()));
        let general = !matches!(key, "role" | "name" | "state" | "until" | "attributes" | "timezone");
        let said = at.is_some_and(|at| place.tree.get(at.value, key).is_some());
        if general || !said && self.words.targets_of_user(email) < 2 {
            vec![key]
        } else {
            vec!["at", self.target(), key]
        }
    }

    fn state(&self, files: &mut Files, email: &str, state: UserState) -> Result<(), Why> {
        let place = self.user_place(files, email)?;
        let path = self.path(&place, email, "state");
        match (path.as_slice(), state) {
            ([key], UserState::Active) => files.unset(&place, key, &Value::text("active")),
            (path, state) => self.set(files, &place, path, &Value::text(state.word())),
        }
    }

    /// Somebody whose attributes differ.
    fn user(&self, files: &mut Files, declared: &UserRecord, live: &UserRecord) -> Result<(), Why> {
        let email = &declared.email;
        let put = |files: &mut Files, key: &str, differs: bool, value: Option<Value>| -> Result<(), Why> {
            if !differs {
                return Ok(());
            }
            let place = self.user_place(files, email)?;
            self.set(files, &place, &self.path(&place, email, key), &value.unwrap_or_else(Value::nothing))
        };
        // In general a role says where somebody belongs as well.
        let general = self.user_place(files, email).map(|p| self.path(&p, email, "role").len() == 1)?;
        let role = match general {
            true => live.role.as_deref().map(|r| Value::text(self.words.role_alone(r))),
            false => self.role(live.role.as_deref()),
        };
        put(files, "role", declared.role != live.role, role)?;
        put(files, "name", declared.name != live.name, text(&live.name))?;
        put(files, "kind", declared.kind != live.kind, Some(Value::text(live.kind.word())))?;
        put(files, "until", declared.until != live.until, live.until.map(Value::moment))?;
        put(files, "timezone", declared.timezone != live.timezone, text(&live.timezone))?;
        let owner = live.owner.as_deref().map(|o| Value::text(self.words.user_name(o)));
        put(files, "owner", declared.owner != live.owner, owner)?;
        for (table, here, there) in
            [("attributes", &declared.attributes, &live.attributes), ("handles", &declared.handles, &live.handles)]
        {
            let names: std::collections::BTreeSet<&String> = here.keys().chain(there.keys()).collect();
            for name in names.into_iter().filter(|n| here.get(*n) != there.get(*n)) {
                let place = self.user_place(files, email)?;
                let mut path = self.path(&place, email, table);
                path.push(name);
                let value = there.get(name).map_or_else(Value::nothing, |v| Value::text(v.as_str()));
                self.set(files, &place, &path, &value)?;
            }
        }
        Ok(())
    }

    // ---- teams ----

    fn quota(of: &QuotaRecord) -> Value {
        let number = |n: Option<u64>| n.map(|n| Value::Raw(n.to_string()));
        filled(vec![
            ("cpu", number(of.cpu)),
            ("memory", of.memory.map(|b| Value::text(b.to_string()))),
            ("storage", of.storage.map(|b| Value::text(b.to_string()))),
            ("apps", number(of.apps)),
            ("workflows", number(of.workflows)),
            ("workspaces", number(of.workspaces)),
        ])
    }

    fn several(&self, emails: &[String]) -> Option<Value> {
        match emails {
            [] => None,
            [one] => Some(Value::text(self.words.user_name(one))),
            all => Some(texts(all.iter().map(|e| self.words.user_name(e)))),
        }
    }

    fn member_value(&self, member: &MemberRecord, who: (&str, String)) -> Value {
        let MemberRecord { role, until, because, .. } = member;
        if role.is_none() && until.is_none() && because.is_none() {
            return Value::Text(who.1);
        }
        filled(vec![
            (who.0, Some(Value::Text(who.1))),
            ("role", self.role(role.as_deref())),
            ("until", until.map(Value::moment)),
            ("because", text(because)),
        ])
    }

    fn team_comes(&self, files: &mut Files, team: &TeamRecord) -> Result<(), Why> {
        let id = self.live.find_team(&team.name).ok_or("it is not live any more")?;
        let members = self.live.members_of(id).iter().map(|m| {
            let member = self.live.member_record(m);
            let user = ("user", self.words.user_name(&member.user));
            self.member_value(&member, user)
        });
        let members = Value::List(members.collect());
        let lead = self.live.team_record(id).leads;
        let value = filled(vec![
            ("description", text(&team.description)),
            ("lead", self.several(&lead)),
            ("role", self.role(team.role.as_deref())),
            ("in", text(&team.outer)),
            ("members", Some(members)),
            ("quota", team.quota.as_ref().map(Self::quota)),
        ]);
        files.add_entry("teams", &self.words.team(&team.name), &value)
    }

    fn team(&self, files: &mut Files, declared: &TeamRecord, live: &TeamRecord) -> Result<(), Why> {
        let mut put = |key: &str, differs: bool, value: Option<Value>| -> Result<(), Why> {
            if !differs {
                return Ok(());
            }
            let place = self.words.team_at(files, &declared.name).ok_or("its declaration is not found")?;
            self.set(files, &place, &[key], &value.unwrap_or_else(Value::nothing))
        };
        put("description", declared.description != live.description, text(&live.description))?;
        put("role", declared.role != live.role, self.role(live.role.as_deref()))?;
        put("in", declared.outer != live.outer, text(&live.outer))?;
        put("quota", declared.quota != live.quota, live.quota.as_ref().map(Self::quota))
    }

    fn leads(&self, files: &mut Files, team: &str, live: &[String]) -> Result<(), Why> {
        let place = self.words.team_at(files, team).ok_or("its declaration is not found")?;
        self.set(files, &place, &["lead"], &self.several(live).unwrap_or_else(Value::nothing))
    }

    // ---- memberships ----

    fn member_comes(&self, files: &mut Files, member: &MemberRecord) -> Result<(), Why> {
        let team = self.words.team_at(files, &member.team).ok_or("its team is not declared")?;
        if team.tree.get(team.value, "members").is_some() {
            let who = ("user", self.words.user_name(&member.user));
            return files.add_to(&team, "members", &self.member_value(member, who));
        }
        let user = self.user_place(files, &member.user)?;
        let team = ("team", team.name().to_owned());
        files.add_to(&user, "teams", &self.member_value(member, team))
    }

    fn member_goes(&self, files: &mut Files, member: &MemberRecord) -> Result<(), Why> {
        let mut found = false;
        if let Some(team) = self.words.team_at(files, &member.team) {
            found |= files.take_from(&team, "members", |tree, i| self.words.is_member(tree, i, &member.user))?;
        }
        let Some(user) = self.words.user_at(files, &member.user) else { return Ok(()) };
        if user.tree.get(user.value, "teams").is_some_and(|f| self.only(&user, f.value, &member.team)) {
            files.unset(&user, "teams", &Value::List(Vec::new()))?;
            found = true;
        } else {
            found |= files.take_from(&user, "teams", |tree, i| self.words.is_team(tree, i, &member.team))?;
        }
        if found { Ok(()) } else { Err("its declaration is not found".to_owned()) }
    }

    /// Whether a list of teams has this one and no other: then the key goes with it.
    fn only(&self, user: &Place, list: crate::config::edit::Id, team: &str) -> bool {
        let items = user.tree.items(list);
        items.len() == 1 && self.words.is_team(&user.tree, items[0], team)
    }

    fn member(&self, files: &mut Files, live: &MemberRecord) -> Result<(), Why> {
        let words = &self.words;
        let team = words.team_at(files, &live.team);
        let listed = team.and_then(|p| Some((p.tree.get(p.value, "members")?, p)));
        let of_team = listed.and_then(|(f, p)| {
            let item = p.tree.items(f.value).iter().copied().find(|i| words.is_member(&p.tree, *i, &live.user))?;
            Some((p, item, ("user", words.user_name(&live.user))))
        });
        let found = of_team.or_else(|| {
            let p = words.user_at(files, &live.user)?;
            let f = p.tree.get(p.value, "teams")?;
            let item = p.tree.items(f.value).iter().copied().find(|i| words.is_team(&p.tree, *i, &live.team))?;
            Some((p, item, ("team", live.team.clone())))
        });
        let (place, item, who) = found.ok_or("its declaration is not found")?;
        // The word that stands there stays.
        let named = place.tree.get(item, who.0).map_or(Some(item), |f| Some(f.value));
        let said = named.and_then(|n| place.tree.value(n)).unwrap_or(&who.1).to_owned();
        let value = self.member_value(live, (who.0, said));
        files.set(&place.file, &place.tree, (None, item), &[], &value)
    }

    // ---- resources and grants ----

    fn resource_comes(&self, files: &mut Files, resource: &ResourceRecord) -> Result<(), Why> {
        let value = filled(vec![
            ("description", text(&resource.description)),
            ("in", resource.parent.as_deref().map(|p| Value::text(self.words.resource(p)))),
            ("visibility", resource.visibility.map(|v| Value::text(v.word()))),
            ("owner", resource.owner.as_deref().map(|o| Value::text(self.words.user_name(o)))),
        ]);
        files.add_entry("resources", &self.words.resource(&resource.name), &value)
    }

    fn resource(&self, files: &mut Files, declared: &ResourceRecord, live: &ResourceRecord) -> Result<(), Why> {
        let mut put = |key: &str, differs: bool, value: Option<Value>| -> Result<(), Why> {
            if !differs {
                return Ok(());
            }
            let place = self.words.resource_at(files, &declared.name).ok_or("its declaration is not found")?;
            match (key, value) {
                // There is no way to say that there is none.
                ("visibility", None) => files.unset(&place, key, &Value::nothing()),
                (key, value) => self.set(files, &place, &[key], &value.unwrap_or_else(Value::nothing)),
            }
        };
        put("description", declared.description != live.description, text(&live.description))?;
        let parent = live.parent.as_deref().map(|p| Value::text(self.words.resource(p)));
        put("in", declared.parent != live.parent, parent)?;
        let visibility = live.visibility.map(|v| Value::text(v.word()));
        put("visibility", declared.visibility != live.visibility, visibility)?;
        let owner = live.owner.as_deref().map(|o| Value::text(self.words.user_name(o)));
        put("owner", declared.owner != live.owner, owner)
    }

    fn grantee(&self, to: &PrincipalRecord, role: &GrantedRole) -> Value {
        let name = Value::Text(self.words.principal(to));
        if role.until.is_none() && role.because.is_none() {
            return name;
        }
        filled(vec![("to", Some(name)), ("until", role.until.map(Value::moment)), ("because", text(&role.because))])
    }

    fn grant_comes(
        &self,
        files: &mut Files,
        to: &PrincipalRecord,
        resource: &str,
        role: &GrantedRole,
    ) -> Result<(), Why> {
        let words = &self.words;
        let place = words.resource_at(files, resource).ok_or("its resource is not declared")?;
        if let Some(access) = place.tree.get(place.value, "access") {
            let key = place
                .tree
                .entries(access.value)
                .iter()
                .find(|(k, _)| place.tree.value(*k).is_some_and(|text| words.is_role(text, &role.role)));
            let Some((key, value)) = key.copied() else {
                let name = words.role_here(&role.role);
                let list = Value::List(vec![self.grantee(to, role)]);
                return self.set(files, &place, &["access", &name], &list);
            };
            let index = access.own.ok_or("its `access:` comes from an anchor")?;
            let (_, map) = place.tree.entries(place.value)[index];
            let here = Place { map: place.value, index, key: place.key, value: map, ..place.clone() };
            let name = place.tree.value(key).unwrap_or_default().to_owned();
            let _ = value;
            return files.add_to(&here, &name, &self.grantee(to, role));
        }
        let value = filled(vec![
            ("to", Some(Value::Text(words.principal(to)))),
            ("resource", Some(Value::text(words.resource(resource)))),
            ("role", self.role(Some(&role.role))),
            ("until", role.until.map(Value::moment)),
            ("because", text(&role.because)),
        ]);
        files.add_item("grants", &value)
    }

    fn grant_goes(&self, files: &mut Files, to: &PrincipalRecord, resource: &str, role: &str) -> Result<(), Why> {
        let words = &self.words;
        if let Some(place) = words.resource_at(files, resource)
            && let Some(access) = place.tree.get(place.value, "access")
        {
            let tree = &place.tree;
            let named = |k: usize| tree.value(k).is_some_and(|text| words.is_role(text, role));
            let found = tree
                .entries(access.value)
                .iter()
                .enumerate()
                .find(|(_, (k, v))| named(*k) && tree.several(*v).iter().any(|i| words.is_grantee(tree, *i, to)));
            if let Some((index, (key, value))) = found.map(|(i, e)| (i, *e)) {
                let own = access.own.ok_or("its `access:` comes from an anchor")?;
                let (_, map) = tree.entries(place.value)[own];
                if tree.several(value).len() == 1 {
                    let entry = Place { map, index, key, value, ..place.clone() };
                    return files.remove(&entry);
                }
                let here = Place { map: place.value, index: own, value: map, ..place.clone() };
                let name = tree.value(key).unwrap_or_default().to_owned();
                return files.take_from(&here, &name, |tree, i| words.is_grantee(tree, i, to)).map(|_| ());
            }
        }
        let (item, count) =
            words.grants_at(files, to, resource, role).into_iter().next().ok_or("its declaration is not found")?;
        if count == 1 {
            return files.remove_item(&item);
        }
        // A line that grants several things loses one, where it has several in one respect alone.
        let tree = &item.tree;
        let several = |key: &str| tree.get(item.value, key).is_some_and(|f| tree.several(f.value).len() == count);
        let here = Place {
            file: item.file.clone(),
            tree: item.tree.clone(),
            map: item.list,
            index: item.index,
            key: item.value,
            value: item.value,
        };
        if several("to") {
            return files
                .take_from(&here, "to", |tree, i| tree.value(i).is_some_and(|t| words.is_principal(t, to)))
                .map(|_| ());
        }
        if several("resource") {
            return files
                .take_from(&here, "resource", |tree, i| tree.value(i).is_some_and(|r| words.bare(r) == resource))
                .map(|_| ());
        }
        if several("role") {
            return files
                .take_from(&here, "role", |tree, i| tree.value(i).is_some_and(|r| words.is_role(r, role)))
                .map(|_| ());
        }
        Err(format!(
            "the grant at {} is about several people and things at once",
            files.line(&item.file, tree, item.value)
        ))
    }

    fn grant(
        &self,
        files: &mut Files,
        to: &PrincipalRecord,
        resource: &str,
        declared: &[GrantedRole],
        live: &[GrantedRole],
    ) -> Result<(), Why> {
        let without = |these: &[GrantedRole], those: &[GrantedRole]| -> Vec<GrantedRole> {
            these.iter().filter(|role| !those.contains(role)).cloned().collect()
        };
        let (gone, come) = (without(declared, live), without(live, declared));
        // One role in the place of one: the line stays, and says something else.
        if let ([old], [new]) = (gone.as_slice(), come.as_slice()) {
            let item = self.words.grants_at(files, to, resource, &old.role).into_iter().find(|(_, count)| *count == 1);
            if let Some((item, _)) = item {
                let (file, index) = (item.file.clone(), item.index);
                let mut put = |key: &str, differs: bool, value: Option<Value>| -> Result<(), Why> {
                    if !differs {
                        return Ok(());
                    }
                    let mut items = files.items("grants").into_iter();
                    let item =
                        items.find(|i| i.file == file && i.index == index).ok_or("its declaration is not found")?;
                    let place = Place {
                        file: item.file,
                        tree: item.tree,
                        map: item.list,
                        index,
                        key: item.value,
                        value: item.value,
                    };
                    match value {
                        Some(value) => files.set(&place.file, &place.tree, (None, place.value), &[key], &value),
                        None => files.unset(&place, key, &Value::nothing()),
                    }
                };
                put("role", old.role != new.role, self.role(Some(&new.role)))?;
                put("until", old.until != new.until, new.until.map(Value::moment))?;
                return put("because", old.because != new.because, text(&new.because));
            }
        }
        for role in &come {
            if gone.iter().any(|g| g.role == role.role) {
                self.grant_goes(files, to, resource, &role.role)?;
            }
            self.grant_comes(files, to, resource, role)?;
        }
        let rest = gone.iter().filter(|g| !come.iter().any(|c| c.role == g.role));
        rest.map(|role| role.role.clone()).try_for_each(|role| self.grant_goes(files, to, resource, &role))
    }

    // ---- domains ----

    fn domain_value(&self, domain: &DomainRecord) -> Value {
        let (role, wide) = domain.role.as_deref().map(|r| self.words.role(r)).unzip();
        let narrow = wide.unwrap_or(false) || role.is_none() && self.words.declaration.targets.len() > 1;
        let teams = (!domain.teams.is_empty()).then(|| texts(domain.teams.iter().cloned()));
        filled(vec![
            ("role", role.map(Value::Text)),
            ("teams", teams),
            ("targets", narrow.then(|| texts(std::iter::once(self.target().to_owned())))),
        ])
    }

    fn domain(&self, files: &mut Files, declared: &DomainRecord, live: &DomainRecord) -> Result<(), Why> {
        if declared.role != live.role {
            let place = self.words.domain_at(files, &declared.name).ok_or("its declaration is not found")?;
            let role = live.role.as_deref().map(|r| Value::text(self.words.role_alone(r)));
            self.set(files, &place, &["role"], &role.unwrap_or_else(Value::nothing))?;
        }
        for team in live.teams.iter().filter(|t| !declared.teams.contains(t)) {
            let place = self.words.domain_at(files, &declared.name).ok_or("its declaration is not found")?;
            files.add_to(&place, "teams", &Value::text(team.as_str()))?;
        }
        for team in declared.teams.iter().filter(|t| !live.teams.contains(t)) {
            let place = self.words.domain_at(files, &declared.name).ok_or("its declaration is not found")?;
            files.take_from(&place, "teams", |tree, i| tree.value(i).is_some_and(|t| self.words.bare(t) == team))?;
        }
        Ok(())
    }
}
