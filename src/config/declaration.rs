//! The file language, version 1: what can stand in a file, key by key. The doc comments are what an
//! editor shows.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::diagnostic::{Code, Finding, Span};
use crate::model::{
    Bytes, Combine, Days, Kind, Mode, Moment, Place, Said, Setting, Share, UserKind, UserRemoval, UserState, Visibility,
};

use super::decode::{
    Context, Decode, Needed, Prose, Reason, Several, Single, Sp, Sym, Table, Templated, described, entries_of, object,
    unknown_key, words,
};
use super::document::{Cursor, Type};

words! {
    UserKind, "a kind of user":
        "person" = UserKind::Person, "contractor" = UserKind::Contractor,
        "service" = UserKind::Service, "break-glass" = UserKind::BreakGlass;
    UserState, "a state": "active" = UserState::Active, "disabled" = UserState::Disabled;
    Visibility, "a visibility":
        "private" = Visibility::Private, "restricted" = Visibility::Restricted, "everyone" = Visibility::Everyone;
    Mode, "a mode of management":
        "additive" = Mode::Additive, "authoritative" = Mode::Authoritative,
        "observe" = Mode::Observe, "ignore" = Mode::Ignore;
    Combine, "a way of combining roles": "union" = Combine::Union, "highest" = Combine::Highest;
    Place, "a place for a role":
        "user" = Place::User, "team" = Place::Team, "member" = Place::Member, "resource" = Place::Resource;
    UserRemoval, "a way of removing users":
        "disable" = UserRemoval::Disable, "delete" = UserRemoval::Delete, "leave" = UserRemoval::Leave;
    ProviderName, "a provider":
        "directory" = ProviderName::Directory, "paradime" = ProviderName::Paradime, "omni" = ProviderName::Omni,
        "terminusdb" = ProviderName::Terminusdb, "strongly" = ProviderName::Strongly, "scim" = ProviderName::Scim;
    Channel, "a way of inviting":
        "email" = Channel::Email, "slack" = Channel::Slack, "link" = Channel::Link;
    Setting, "a setting of a rule":
        "error" = Setting::Error, "warn" = Setting::Warn, "off" = Setting::Off;
}

/// The system that a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderName {
    /// The embedded directory.
    Directory,
    /// Paradime.
    Paradime,
    /// Omni.
    Omni,
    /// TerminusDB.
    Terminusdb,
    /// Strongly.AI.
    Strongly,
    /// Any SCIM 2.0 server.
    Scim,
}

impl ProviderName {
    /// The word that stands in the files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Paradime => "paradime",
            Self::Omni => "omni",
            Self::Terminusdb => "terminusdb",
            Self::Strongly => "strongly",
            Self::Scim => "scim",
        }
    }
}

/// How an invitation reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// By e-mail.
    Email,
    /// By Slack.
    Slack,
    /// By a link that somebody passes on.
    Link,
}

impl Channel {
    /// The word that stands in the files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Link => "link",
        }
    }
}

object! {
    /// A system that holds users and their access.
    TargetDecl, "a target" {
        /// Which kind of system it is.
        provider: Needed<Sp<ProviderName>>,
        /// Words that can stand wherever a target can, for all targets that carry them.
        labels: Option<Vec<Sp<Sym>>>,
        /// Where it is: `sqlite:PATH` for a directory (relative to the folder of rolecall.yaml), an https address otherwise. `${NAME}` is read from the environment.
        url: Option<Sp<Templated>>,
        /// What opens it, each as `${NAME}`: secrets never stand in the files.
        credentials: Option<Table<Sp<Templated>>>,
        /// Settings of the provider.
        settings: Option<Table<Sp<Single>>>,
        /// The role catalogue of a directory: a built-in one, or one of `catalogues:`. A SCIM server may have one of `catalogues:` as well, since what roles mean is its own.
        catalogue: Option<Sp<Sym>>,
        /// What of it is managed: one mode for everything, or modes by kind. Without it, `additive`.
        manage: Option<ManageDecl>,
        /// Accounts that are never touched: e-mail patterns, in which `*` stands for anything.
        protected: Option<Vec<Sp<Sym>>>,
        /// Who applies, where the system does not tell: a user.
        identity: Option<Sp<Sym>>,
        /// Policies for this target alone, over those for all.
        policies: Option<PoliciesDecl>,
        /// What it is, for people.
        description: Option<Prose>,
    }
}

/// What of a target is managed.
#[derive(Debug, Clone)]
pub struct ManageDecl {
    /// The mode of every kind that has no rule of its own.
    pub default: Option<Sp<Mode>>,
    /// Rules by kind.
    pub kinds: Vec<(Kind, Span, RuleDecl)>,
}

/// The rule for one kind.
#[derive(Debug, Clone)]
pub struct RuleDecl {
    /// The mode.
    pub mode: Mode,
    /// The names it holds for.
    pub scope: Vec<Sp<Sym>>,
}

object! {
    /// The rule for one kind of thing.
    ScopedRuleDecl, "a rule" {
        /// The mode.
        mode: Needed<Sp<Mode>>,
        /// The names it holds for: patterns, in which `*` stands for anything. Others are not touched.
        scope: Option<Vec<Sp<Sym>>>,
    }
}

impl Decode for RuleDecl {
    const WHAT: &'static str = "a mode of management";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::Map {
            let rule = ScopedRuleDecl::decode(node, cx)?;
            return Some(Self { mode: rule.mode.0.value, scope: rule.scope.unwrap_or_default() });
        }
        Mode::decode(node, cx).map(|mode| Self { mode, scope: Vec::new() })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [Mode::schema(generator), ScopedRuleDecl::schema(generator)] })
    }
}

impl Decode for ManageDecl {
    const WHAT: &'static str = "a mode of management";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() != Type::Map {
            let default = Sp::<Mode>::decode(node, cx)?;
            return Some(Self { default: Some(default), kinds: Vec::new() });
        }
        let mut manage = Self { default: None, kinds: Vec::new() };
        let mut known: Vec<&str> = Kind::ALL.iter().map(|k| k.plural()).collect();
        known.push("default");
        for (key, value) in entries_of(node, Self::WHAT, &known, cx)? {
            if key.key() == "default" {
                manage.default = Sp::<Mode>::decode(value, cx);
            } else if let Some(kind) = Kind::ALL.into_iter().find(|k| k.plural() == key.key()) {
                if let Some(rule) = RuleDecl::decode(value, cx) {
                    manage.kinds.push((kind, key.span(), rule));
                }
            } else {
                unknown_key(key, &known, "`manage:`", cx);
            }
        }
        Some(manage)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let rule = RuleDecl::schema(generator);
        let mut properties: serde_json::Map<String, serde_json::Value> = Kind::ALL
            .into_iter()
            .map(|kind| {
                let text = format!("How {} are managed.", kind.plural());
                (kind.plural().to_owned(), described(rule.clone(), &text))
            })
            .collect();
        let text = "How kinds without a rule of their own are managed.";
        properties.insert("default".to_owned(), described(Mode::schema(generator), text));
        json_schema!({
            "anyOf": [
                Mode::schema(generator),
                { "type": "object", "properties": properties, "additionalProperties": false },
            ]
        })
    }
}

object! {
    /// A role catalogue: which roles and kinds of resources a system has.
    CatalogueDecl, "a catalogue" {
        /// What it describes.
        description: Option<Prose>,
        /// Where its facts come from.
        source: Option<Prose>,
        /// How several roles of one person combine: all permissions together (union), or those of the highest role.
        combine: Option<Combine>,
        /// Whether teams can lie in teams.
        nested_teams: Option<bool>,
        /// How many leads a team may have; without it, any number.
        leads: Option<u32>,
        /// The roles by name.
        roles: Option<Table<CatalogueRoleDecl>>,
        /// The kinds of resources by name.
        kinds: Option<Table<ResourceKindDecl>>,
    }
}

object! {
    /// A role of a catalogue.
    CatalogueRoleDecl, "a role of a catalogue" {
        /// What it is for.
        description: Option<Prose>,
        /// What it may do: names of permissions, or `all`. Without it, what it may do is not known.
        permissions: Option<PermissionsDecl>,
        /// Whether a user with this role administers the system.
        administers: Option<bool>,
        /// Where it can be held; without it, everywhere.
        on: Option<Vec<Sp<Place>>>,
        /// Other names for it.
        aliases: Option<Vec<Sp<Sym>>>,
        /// Its height where the highest role decides (`combine: highest`): a greater number is higher.
        tier: Option<u32>,
        /// A role that bounds what grants, ownership and visibility give to a user with this role.
        caps_at: Option<Sp<Sym>>,
        /// The class of paid seats that an active user with this role takes, by any name.
        seat: Option<Sp<Sym>>,
        /// The roles that a user with this role may give to others, or `all`. Without it, those whose permissions are all among its own.
        may_give: Option<GivesDecl>,
        /// What of it is inferred and not published, or chosen where the source contradicts itself, and why.
        inferred: Option<Prose>,
    }
}

/// The roles that a role may give.
#[derive(Debug, Clone)]
pub enum GivesDecl {
    /// Every role of the catalogue.
    All,
    /// These.
    These(Vec<Sp<Sym>>),
}

impl Decode for GivesDecl {
    const WHAT: &'static str = "a list of roles, or `all`";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.as_str() == Some("all") {
            return Some(Self::All);
        }
        Vec::decode(node, cx).map(Self::These)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "all" }, Vec::<Sp<Sym>>::schema(generator)] })
    }
}

/// The permissions of a role.
#[derive(Debug, Clone)]
pub enum PermissionsDecl {
    /// Every permission of the catalogue.
    All,
    /// These.
    These(Vec<Sp<Sym>>),
}

impl Decode for PermissionsDecl {
    const WHAT: &'static str = "a list of permissions, or `all`";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.as_str() == Some("all") {
            return Some(Self::All);
        }
        Vec::decode(node, cx).map(Self::These)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "all" }, Vec::<Sp<Sym>>::schema(generator)] })
    }
}

object! {
    /// A kind of resource.
    ResourceKindDecl, "a kind of resource" {
        /// What it is.
        description: Option<Prose>,
        /// The roles that can be granted on it.
        roles: Option<Vec<Sp<Sym>>>,
        /// The kinds it can lie in.
        parents as "in": Option<Vec<Sp<Sym>>>,
        /// Whether it has a visibility.
        visibility: Option<bool>,
        /// Whether grants can be given on it directly; without it, yes. What lies in a project may only inherit.
        grants: Option<bool>,
        /// The role that its owner holds on it.
        owner: Option<Sp<Sym>>,
        /// The role that every active user holds on it where its visibility is `everyone`.
        everyone: Option<Sp<Sym>>,
        /// Whether each belongs to the team that its name begins with, as in `kind/TEAM/NAME`. Roles of teams and of their members then reach what belongs to that team and nothing else; those that administer the target administer it.
        of_team: Option<bool>,
        /// What of it is inferred and not published, or chosen where the source contradicts itself, and why.
        inferred: Option<Prose>,
    }
}

object! {
    /// A role: a name for what somebody is, mapped to the role of each system; or a role made in the systems.
    RoleDecl, "a role" {
        /// What it is for.
        description: Option<Prose>,
        /// The role that it means in each target (or in the targets with a label).
        mapping as "as": Option<Table<Sp<Sym>>>,
        /// For a role made in the targets themselves: what it may do.
        permissions: Option<PermissionsDecl>,
        /// For a role made in the targets themselves: in which; without it, in all that can have such roles.
        targets: Option<Vec<Sp<Sym>>>,
        /// For a role made in the targets themselves: where it can be held; without it, everywhere.
        on: Option<Vec<Sp<Place>>>,
        /// For a role made in the targets themselves: whether a user with it administers them.
        administers: Option<bool>,
    }
}

object! {
    /// A person or program. The key is the e-mail, or a short name with `email:` inside.
    UserDecl, "a user" {
        /// The address, where the key is a short name.
        email: Option<Sp<Sym>>,
        /// The name that people see.
        name: Said<Prose>,
        /// What kind of account it is: person (without it), contractor, service or break-glass.
        kind: Option<UserKind>,
        /// A role of `roles:`, or a role of a target as `target:role`.
        role: Said<Sp<Sym>>,
        /// Whether they can come in; without it, active.
        state: Option<Sp<UserState>>,
        /// The last day of their access.
        until: Said<Sp<Moment>>,
        /// Teams they belong to, beside those that list them.
        teams: Option<Vec<TeamOfUser>>,
        /// Attributes by name; `null` clears one, those not named stay.
        attributes: Option<Table<Attribute>>,
        /// The time zone, as in `Europe/London`.
        timezone: Said<Sp<Prose>>,
        /// Their names in other systems, such as `github`; `null` takes one away, those not named stay.
        handles: Option<Table<Handle>>,
        /// The targets (or labels) they belong to, where that is fewer than their role says.
        targets: Option<Vec<Sp<Sym>>>,
        /// What is different in one target (or in the targets with a label); names a target also puts them there.
        at: Option<Table<UserAtDecl>>,
        /// Who answers for a service: a user.
        owner: Said<Sp<Sym>>,
        /// The address they had before.
        was: Option<Sp<Sym>>,
        /// A remark for the readers of the files.
        description: Option<Prose>,
    }
}

/// The value of an attribute; `null` clears it.
#[derive(Debug, Clone)]
pub struct Attribute(pub Said<Single>);

impl Decode for Attribute {
    const WHAT: &'static str = "text, a number, true or false, or nothing";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::Null {
            return Some(Self(Said::Nothing));
        }
        Single::decode(node, cx).map(|value| Self(Said::Is(value)))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "null"] })
    }
}

/// A name in another system; `null` takes it away.
#[derive(Debug, Clone)]
pub struct Handle(pub Said<Sym>);

impl Decode for Handle {
    const WHAT: &'static str = "text, or nothing";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::Null {
            return Some(Self(Said::Nothing));
        }
        Sym::decode(node, cx).map(|value| Self(Said::Is(value)))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "null"], "minLength": 1 })
    }
}

object! {
    /// What is different about a user in one target.
    UserAtDecl, "what is different in a target" {
        /// The role there.
        role: Said<Sp<Sym>>,
        /// The name that people see there.
        name: Said<Prose>,
        /// Whether they can come in there.
        state: Option<Sp<UserState>>,
        /// The last day of their access there.
        until: Said<Sp<Moment>>,
        /// Teams of that target they belong to, beside those that list them.
        teams: Option<Vec<TeamOfUser>>,
        /// Attributes there, over the general ones.
        attributes: Option<Table<Attribute>>,
        /// The time zone there.
        timezone: Said<Sp<Prose>>,
    }
}

object! {
    /// A team of a user, with the role in it.
    TeamOfUserDecl, "a team of a user" {
        /// The team.
        team: Needed<Sp<Sym>>,
        /// The role in the team.
        role: Said<Sp<Sym>>,
        /// The last day in the team.
        until: Said<Sp<Moment>>,
        /// Why.
        because: Option<Prose>,
    }
}

/// A team of a user: its name, or the longer form.
#[derive(Debug, Clone)]
pub struct TeamOfUser(pub TeamOfUserDecl);

impl Decode for TeamOfUser {
    const WHAT: &'static str = "a team";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::Map {
            return TeamOfUserDecl::decode(node, cx).map(Self);
        }
        let team = Sp::<Sym>::decode(node, cx)?;
        let (role, until) = (Said::Unsaid, Said::Unsaid);
        Some(Self(TeamOfUserDecl { span: node.span(), team: Needed(team), role, until, because: None }))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [Sym::schema(generator), TeamOfUserDecl::schema(generator)] })
    }
}

object! {
    /// A team. The key is its name, or `target:name`.
    TeamDecl, "a team" {
        /// What it is for.
        description: Said<Prose>,
        /// Its lead, or a list of leads: active members.
        lead: Said<Several<Sp<Sym>>>,
        /// The role that all its members hold.
        role: Said<Sp<Sym>>,
        /// The team it lies in: its members count as members of that one.
        outer as "in": Said<Sp<Sym>>,
        /// All its members: who is not listed is no member. Without this key, memberships are left as they are.
        members: Option<Vec<MemberOfTeam>>,
        /// What it may use.
        quota: Said<QuotaDecl>,
        /// The targets (or labels) it belongs to, where that is fewer than its members say.
        targets: Option<Vec<Sp<Sym>>>,
        /// The name it had before.
        was: Option<Sp<Sym>>,
    }
}

object! {
    /// A member, with the role in the team.
    MemberDecl, "a member" {
        /// The user.
        user: Needed<Sp<Sym>>,
        /// The role of this member in the team.
        role: Option<Sp<Sym>>,
        /// The last day in the team.
        until: Option<Sp<Moment>>,
        /// Why.
        because: Option<Prose>,
    }
}

/// A member: the user, or the longer form.
#[derive(Debug, Clone)]
pub struct MemberOfTeam(pub MemberDecl);

impl Decode for MemberOfTeam {
    const WHAT: &'static str = "a member";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::Map {
            return MemberDecl::decode(node, cx).map(Self);
        }
        let user = Sp::<Sym>::decode(node, cx)?;
        Some(Self(MemberDecl { span: node.span(), user: Needed(user), role: None, until: None, because: None }))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [Sym::schema(generator), MemberDecl::schema(generator)] })
    }
}

object! {
    /// What a team may use; what is not said is not limited.
    QuotaDecl, "a quota" {
        /// Cores over all resources of the team.
        cpu: Option<u64>,
        /// Memory over all resources of the team.
        memory: Option<Bytes>,
        /// Storage of the team.
        storage: Option<Bytes>,
        /// How many applications.
        apps: Option<u64>,
        /// How many workflows.
        workflows: Option<u64>,
        /// How many workspaces.
        workspaces: Option<u64>,
    }
}

object! {
    /// A resource. The key is `kind/name`, or `target:kind/name`.
    ResourceDecl, "a resource" {
        /// What it is.
        description: Said<Prose>,
        /// The resource it lies in.
        parent as "in": Said<Sp<Sym>>,
        /// Who sees it without a grant: private, restricted or everyone.
        visibility: Option<Sp<Visibility>>,
        /// The user it belongs to.
        owner: Said<Sp<Sym>>,
        /// All grants on it, as role and principals: who is not listed has none. Without this key, grants on it are left to `grants:`.
        access: Option<Table<Several<Grantee>>>,
        /// The name it had before.
        was: Option<Sp<Sym>>,
    }
}

object! {
    /// A principal with the end of the grant.
    GranteeDecl, "a principal" {
        /// A user, `team/NAME`, or `everyone`.
        to: Needed<Sp<Sym>>,
        /// The last day of the grant.
        until: Option<Sp<Moment>>,
        /// Why.
        because: Option<Reason>,
    }
}

/// A principal: its name, or the longer form.
#[derive(Debug, Clone)]
pub struct Grantee(pub GranteeDecl);

impl Decode for Grantee {
    const WHAT: &'static str = "a principal";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::Map {
            return GranteeDecl::decode(node, cx).map(Self);
        }
        let to = Sp::<Sym>::decode(node, cx)?;
        Some(Self(GranteeDecl { span: node.span(), to: Needed(to), until: None, because: None }))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [Sym::schema(generator), GranteeDecl::schema(generator)] })
    }
}

object! {
    /// Roles of principals on resources.
    GrantDecl, "a grant" {
        /// A user, `team/NAME`, `everyone`, or a list of these.
        to: Needed<Several<Sp<Sym>>>,
        /// The resource, or a list.
        resource: Needed<Several<Sp<Sym>>>,
        /// The role, or a list.
        role: Needed<Several<Sp<Sym>>>,
        /// The last day of the grant.
        until: Option<Sp<Moment>>,
        /// Why.
        because: Option<Reason>,
    }
}

object! {
    /// What the owners of an address of a domain get when they join by themselves.
    DomainDecl, "a domain" {
        /// The role.
        role: Said<Sp<Sym>>,
        /// The teams.
        teams: Option<Vec<Sp<Sym>>>,
        /// The targets (or labels) where they can join; without it, where the role leads.
        targets: Option<Vec<Sp<Sym>>>,
    }
}

object! {
    /// A person whose access ends now, whatever else the files say, until this line goes.
    BlockDecl, "a block" {
        /// The user.
        user: Needed<Sp<Sym>>,
        /// Why.
        because: Option<Prose>,
        /// The targets (or labels) it holds for; without it, all.
        targets: Option<Vec<Sp<Sym>>>,
    }
}

object! {
    /// Rules for the targets, and for rolecall itself.
    PoliciesDecl, "the policies" {
        /// The second factor.
        mfa: Option<MfaDecl>,
        /// Passwords.
        passwords: Option<PasswordsDecl>,
        /// Invitations.
        invitations: Option<InvitationsDecl>,
        /// Reviews of access.
        review: Option<ReviewDecl>,
        /// Administrators.
        admins: Option<AdminsDecl>,
        /// How people and access are removed.
        removal: Option<RemovalDecl>,
        /// Roles that nobody may hold together.
        exclusive: Option<Vec<Sp<Vec<Sp<Sym>>>>>,
        /// How many seats of each class there are.
        seats: Option<Table<u32>>,
        /// What all teams may use together.
        quota: Option<QuotaDecl>,
        /// How strictly each invariant is taken.
        invariants: Option<Table<Sp<Setting>>>,
        /// Whose approval which changes need.
        approval: Option<Vec<ApprovalDecl>>,
    }
}

object! {
    /// The second factor.
    MfaDecl, "the mfa policy" {
        /// Who needs it: `all`, `none`, or a list of roles.
        require: Needed<Several<Sp<Sym>>>,
        /// How long people have to set it up.
        grace: Option<Days>,
    }
}

object! {
    /// What a password must have.
    PasswordsDecl, "the password policy" {
        /// How many characters.
        length: Option<u32>,
        /// How many upper-case letters.
        upper: Option<u32>,
        /// How many lower-case letters.
        lower: Option<u32>,
        /// How many digits.
        digits: Option<u32>,
        /// How many other characters.
        special: Option<u32>,
    }
}

object! {
    /// How people are invited.
    InvitationsDecl, "the invitation policy" {
        /// How an invitation reaches a person: email, slack or link.
        via: Option<Channel>,
        /// How long to wait before a declined or expired invitation is sent again.
        retry: Option<Days>,
        /// How long an invitation stays open.
        expire: Option<Days>,
        /// Whether an embedded directory invites people first; without it, they are active at once.
        required: Option<bool>,
    }
}

object! {
    /// How often access is reviewed.
    ReviewDecl, "the review policy" {
        /// How often each access is looked at.
        every: Option<Days>,
        /// After how long without a sign of life somebody is asked about.
        inactive: Option<Days>,
    }
}

object! {
    /// Administrators.
    AdminsDecl, "the administrator policy" {
        /// How many active administrators must remain at every moment: 1 or more.
        at_least: Option<Sp<u32>>,
        /// Users who must stay administrators.
        required: Option<Vec<Sp<Sym>>>,
    }
}

object! {
    /// How people and access are removed.
    RemovalDecl, "the removal policy" {
        /// What happens to undeclared users: disable (without it), delete, or leave.
        users: Option<UserRemoval>,
        /// How many removals of each kind pass without a consent: the larger of the two. Without it, 10 and 5%.
        at_most: Option<LimitsDecl>,
        /// The same by kind.
        kinds: Option<KindLimitsDecl>,
        /// Who gets what removed people own: a user.
        transfer_to: Option<Sp<Sym>>,
    }
}

object! {
    /// How many removals pass without a consent: the larger of the two.
    LimitsDecl, "a limit" {
        /// So many.
        count: Option<u32>,
        /// This share of what is live.
        share: Option<Share>,
    }
}

object! {
    /// Limits by kind.
    KindLimitsDecl, "limits by kind" {
        /// For roles.
        roles: Option<LimitsDecl>,
        /// For users.
        users: Option<LimitsDecl>,
        /// For teams.
        teams: Option<LimitsDecl>,
        /// For memberships.
        members: Option<LimitsDecl>,
        /// For resources.
        resources: Option<LimitsDecl>,
        /// For grants.
        grants: Option<LimitsDecl>,
        /// For domains.
        domains: Option<LimitsDecl>,
    }
}

object! {
    /// Whose approval a change needs.
    ApprovalDecl, "an approval rule" {
        /// Which gains need it: a role, a permission, or `any`.
        gains as "for": Needed<Sp<Sym>>,
        /// Who can give it: users, `team/NAME`, `owner` (of the resource), `lead` (of the team).
        by: Needed<Several<Sp<Sym>>>,
        /// How many of them; without it, one.
        at_least: Option<u32>,
    }
}

object! {
    /// Something that must be true of access after a plan. `plan` and `apply` stop where it is not, and `rolecall test` says why. What cannot be known counts as failed.
    TestDecl, "a test" {
        /// About a user.
        user: Option<Sp<Sym>>,
        /// About every active member of a team, those of teams inside it among them.
        team: Option<Sp<Sym>>,
        /// About everyone who can come in. With `cannot:`, everyone but administrators, who can do everything; unless the role that is named administers.
        everyone: Option<Sp<bool>>,
        /// Only these principals (users, `team/NAME`), and nobody else, may; that each of them can is not claimed. Administrators are left out, unless the role that is named administers.
        only: Option<Several<Sp<Sym>>>,
        /// What they can do: a permission, or a role, which stands for at least all of its permissions. Where both have the name, the permission.
        can: Option<Sp<Sym>>,
        /// What they cannot do: a permission, or a role, which they have only where they have all of its permissions.
        cannot: Option<Sp<Sym>>,
        /// The role that they have, exactly: as their own, or on the resource (and on those around it) by grants, and no other there.
        role: Option<Sp<Sym>>,
        /// On which resource; `*` stands for anything.
        resource: Option<Sp<Sym>>,
        /// In which target (or label).
        target: Option<Sp<Sym>>,
        /// Why this must be so.
        because: Option<Prose>,
    }
}

object! {
    /// Settings for pull requests.
    CiDecl, "the ci settings" {
        /// Whether an apply after merge also mends what had drifted before.
        apply_drift: Option<bool>,
    }
}

object! {
    /// Settings for drift detection.
    DriftDecl, "the drift settings" {
        /// Differences that are known and allowed for a time.
        allow: Option<Vec<AllowDecl>>,
    }
}

object! {
    /// A difference that is known and allowed for a time.
    AllowDecl, "an allowed difference" {
        /// What differs, as a plan names it: `user bot@acme.com`.
        object: Needed<Sp<Sym>>,
        /// In which target (or label); without it, in all.
        target: Option<Sp<Sym>>,
        /// Who answers for it: a user.
        owner: Needed<Sp<Sym>>,
        /// Why.
        because: Needed<Prose>,
        /// Until when.
        until: Needed<Sp<Moment>>,
    }
}

/// One file: any of the sections.
#[derive(Debug, Clone, Default)]
pub struct FileDecl {
    /// The version of the language.
    pub version: Option<Sp<u32>>,
    /// The targets.
    pub targets: Option<Table<TargetDecl>>,
    /// The catalogues declared in files.
    pub catalogues: Option<Table<CatalogueDecl>>,
    /// The roles.
    pub roles: Option<Table<RoleDecl>>,
    /// The users.
    pub users: Option<Table<UserDecl>>,
    /// The teams.
    pub teams: Option<Table<TeamDecl>>,
    /// The resources.
    pub resources: Option<Table<ResourceDecl>>,
    /// The grants.
    pub grants: Option<Vec<GrantDecl>>,
    /// The auto-join domains.
    pub domains: Option<Table<DomainDecl>>,
    /// The blocks.
    pub blocks: Option<Vec<BlockDecl>>,
    /// The policies.
    pub policies: Option<Sp<PoliciesDecl>>,
    /// The access tests.
    pub tests: Option<Vec<TestDecl>>,
    /// Settings for pull requests.
    pub ci: Option<Sp<CiDecl>>,
    /// Settings for drift detection.
    pub drift: Option<Sp<DriftDecl>>,
}

/// The file that makes a folder a declaration.
pub const RESERVED_FILE: &str = "rolecall.yaml";

/// The keys that a later version will have.
const RESERVED: [(&str, &str); 2] = [
    ("sources", "people from an identity provider or an export cannot be read yet; list them under `users:`"),
    ("delegation", "which folder may declare what cannot be said yet; guard folders with CODEOWNERS"),
];

impl Decode for FileDecl {
    const WHAT: &'static str = "a declaration";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let mut file = Self::default();
        for (key, value) in entries_of(node, Self::WHAT, &Self::KEYS, cx)? {
            match key.key() {
                "version" => file.version = Sp::decode(value, cx),
                "targets" => file.targets = Some(Decode::decode(value, cx).unwrap_or_default()),
                "catalogues" => file.catalogues = Some(Decode::decode(value, cx).unwrap_or_default()),
                "roles" => file.roles = Some(Decode::decode(value, cx).unwrap_or_default()),
                "users" => file.users = Some(Decode::decode(value, cx).unwrap_or_default()),
                "teams" => file.teams = Some(Decode::decode(value, cx).unwrap_or_default()),
                "resources" => file.resources = Some(Decode::decode(value, cx).unwrap_or_default()),
                "grants" => file.grants = Some(Decode::decode(value, cx).unwrap_or_default()),
                "domains" => file.domains = Some(Decode::decode(value, cx).unwrap_or_default()),
                "blocks" => file.blocks = Some(Decode::decode(value, cx).unwrap_or_default()),
                "policies" => file.policies = Sp::decode(value, cx),
                "tests" => file.tests = Some(Decode::decode(value, cx).unwrap_or_default()),
                "ci" => file.ci = Sp::decode(value, cx),
                "drift" => file.drift = Sp::decode(value, cx),
                name if name.starts_with("x-") => {}
                name => match RESERVED.iter().find(|(reserved, _)| *reserved == name) {
                    Some((_, help)) => {
                        let text = format!("`{name}:` is kept for a later version");
                        cx.sink.push(Finding::at(Code::NotYet, key.span(), text).help(*help));
                    }
                    None => unknown_key(key, &Self::KEYS, Self::WHAT, cx),
                },
            }
        }
        Some(file)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

impl FileDecl {
    /// The sections, in the order of the documentation.
    pub const KEYS: [&'static str; 14] = [
        "version",
        "targets",
        "catalogues",
        "roles",
        "users",
        "teams",
        "resources",
        "grants",
        "domains",
        "blocks",
        "policies",
        "tests",
        "ci",
        "drift",
    ];
}

impl JsonSchema for FileDecl {
    fn schema_name() -> Cow<'static, str> {
        "Declaration".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let properties: serde_json::Map<String, serde_json::Value> = [
            ("version", json_schema!({ "const": 1 }), "The version of the file language: 1."),
            (
                "targets",
                Table::<TargetDecl>::schema(generator),
                "The systems that hold users and their access, by name.",
            ),
            ("catalogues", Table::<CatalogueDecl>::schema(generator), "Role catalogues for directories, by name."),
            (
                "roles",
                Table::<RoleDecl>::schema(generator),
                "Roles by name: what somebody is, and what that means in each system.",
            ),
            ("users", Table::<UserDecl>::schema(generator), "People and programs, by e-mail or by a short name."),
            ("teams", Table::<TeamDecl>::schema(generator), "Teams by name, or by `target:name`."),
            (
                "resources",
                Table::<ResourceDecl>::schema(generator),
                "Resources by `kind/name`, or by `target:kind/name`.",
            ),
            ("grants", Vec::<GrantDecl>::schema(generator), "Who holds which role on which resource."),
            (
                "domains",
                Table::<DomainDecl>::schema(generator),
                "Auto-join domains: who has an address there may join by themselves.",
            ),
            (
                "blocks",
                Vec::<BlockDecl>::schema(generator),
                "People whose access ends now, whatever else the files say.",
            ),
            ("policies", PoliciesDecl::schema(generator), "Rules for the targets, and for rolecall itself."),
            ("tests", Vec::<TestDecl>::schema(generator), "What must be true of access after a plan."),
            ("ci", CiDecl::schema(generator), "Settings for pull requests."),
            ("drift", DriftDecl::schema(generator), "Settings for drift detection."),
        ]
        .into_iter()
        .map(|(key, schema, text)| (key.to_owned(), described(schema, text)))
        .collect();
        json_schema!({
            "title": "rolecall declaration",
            "description": "One file of a rolecall declaration. Any file below the folder of rolecall.yaml may hold any of these sections.",
            "type": "object",
            "properties": properties,
            "patternProperties": { "^x-": { "description": "Ignored: a place for anchors." } },
            "additionalProperties": false,
        })
    }
}
