//! The stable names of findings.

use super::Severity;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident;)*) => {
        /// The stable name of a kind of finding, shown as `error[unknown-key]`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Code {
            /// Every code, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name that people see and that machines compare.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence about it.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)* }
            }

            /// How bad it is unless a check says otherwise.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    /// A file cannot be read.
    Unreadable = "unreadable", Error;
    /// A file is not UTF-8.
    NotUtf8 = "not-utf8", Error;
    /// A file is no YAML.
    Syntax = "syntax", Error;
    /// A file, or all files together, are larger than rolecall reads.
    TooLarge = "too-large", Error;
    /// Lists and maps, or folders, lie in each other deeper than rolecall reads.
    TooDeep = "too-deep", Error;
    /// Aliases repeat so much that the document explodes.
    AnchorsExplode = "anchors-explode", Error;
    /// An alias stands for nothing, or for something it lies in.
    BadAlias = "bad-alias", Error;
    /// A link leads out of the folder of the declaration, or to what is not read in it.
    LinkLeavesTree = "link-leaves-tree", Error;
    /// A file holds more than one document.
    SeveralDocuments = "several-documents", Error;
    /// There is no declaration where one was expected.
    NoDeclaration = "no-declaration", Error;

    /// A key stands twice in one map.
    DuplicateKey = "duplicate-key", Error;
    /// A key is not known here.
    UnknownKey = "unknown-key", Error;
    /// A key is reserved for a later version.
    NotYet = "not-yet", Error;
    /// A key that must be there is missing.
    MissingKey = "missing-key", Error;
    /// A value is of another type than expected.
    WrongType = "wrong-type", Error;
    /// A value is not one of those that can stand here.
    UnknownValue = "unknown-value", Error;
    /// The version of the file language is not one that this program reads.
    UnknownVersion = "unknown-version", Error;
    /// The document is refused by the published schema.
    Schema = "schema", Error;
    /// Keys that exclude each other stand together, or none of them is there.
    Contradiction = "contradiction", Error;

    /// A name is empty, or holds characters that cannot stand in it.
    BadName = "bad-name", Error;
    /// An e-mail address is not valid.
    BadEmail = "bad-email", Error;
    /// A domain name is not valid.
    BadDomain = "bad-domain", Error;
    /// A date or time does not exist or is not written as one.
    BadDate = "bad-date", Error;
    /// A duration, size or share lacks its unit or is not one.
    BadQuantity = "bad-quantity", Error;
    /// A time zone is not known.
    BadTimezone = "bad-timezone", Error;
    /// An address of a target cannot be understood.
    BadUrl = "bad-url", Error;
    /// A secret stands in a file.
    SecretInFile = "secret-in-file", Error;
    /// A variable is used where variables are not read.
    VariableNotAllowed = "variable-not-allowed", Error;

    /// One thing is declared twice.
    DuplicateDeclaration = "duplicate-declaration", Error;
    /// Two names differ only by letters that look alike.
    LookAlike = "look-alike", Error;
    /// A reference to something that is not declared.
    UnknownReference = "unknown-reference", Error;
    /// A reference that could mean several things.
    Ambiguous = "ambiguous", Error;
    /// Things lie in each other in a circle.
    Cycle = "cycle", Error;
    /// Something is asked of a target that it does not have or cannot do.
    CannotDo = "cannot-do", Error;
    /// A person is named in a target to which they do not belong.
    NotInTarget = "not-in-target", Error;
    /// A role cannot be held in this place.
    RoleNotHere = "role-not-here", Error;
    /// A declaration whose end is past.
    Expired = "expired", Warning;
    /// A declaration that changes nothing, though it reads as if it did.
    NoEffect = "no-effect", Warning;
    /// A service without somebody who answers for it.
    ServiceWithoutOwner = "service-without-owner", Error;
    /// A `was:` whose renaming is done.
    RenameDone = "rename-done", Note;
    /// A `was:` whose old and new name are both live.
    RenameBothLive = "rename-both-live", Error;

    /// At least so many active administrators remain at every moment.
    AdminRemains = "admin-remains", Error;
    /// A plan removes at most so many of each kind.
    BlastRadius = "blast-radius", Error;
    /// What a plan begins to manage is said, and removed only with a consent.
    OwnershipIsSaid = "ownership-is-said", Error;
    /// A blocked person keeps no access that can be taken away.
    BlockBeatsAll = "block-beats-all", Error;
    /// A role is changed in one step, never by removing and adding.
    ChangeInPlace = "change-in-place", Error;
    /// A grant that an outer team, or the resource that this one lies in, already gives.
    InheritedNotRepeated = "inherited-not-repeated", Warning;
    /// A grant of no more than somebody has on the resource without it.
    ElevateOnly = "elevate-only", Warning;
    /// A visibility that the grants beside it contradict.
    VisibilityAgrees = "visibility-agrees", Warning;
    /// A team whose lead is no member of it.
    LeadIsMember = "lead-is-member", Warning;
    /// Somebody who is disabled and leads a team, or holds what rests until they come back.
    InactiveHoldsNothing = "inactive-holds-nothing", Warning;
    /// An auto-join domain that gives too much, or to too many.
    JoinIsLeast = "join-is-least", Error;
    /// The last auto-join domain goes.
    JoinRemovalKnown = "join-removal-known", Note;
    /// Somebody came in by an auto-join domain.
    JoinerIsExpected = "joiner-is-expected", Note;
    /// Somebody whose access ended can come back by an auto-join domain.
    LeaverStaysOut = "leaver-stays-out", Warning;
    /// Somebody holds roles that exclude each other.
    RolesExclusive = "roles-exclusive", Error;
    /// More paid seats are needed than there are.
    SeatsFit = "seats-fit", Error;
    /// Teams may use more together than the team around them.
    QuotaFits = "quota-fits", Warning;
    /// A second factor is required, and whether everybody has one is not known.
    MfaEnforced = "mfa-enforced", Note;
    /// Access that ends soon.
    GrantExpires = "grant-expires", Note;
    /// Accounts that are to be looked at.
    ReviewIsDue = "review-is-due", Note;
    /// Whoever applies gives more than they may.
    NoEscalation = "no-escalation", Error;
    /// What cannot be undone is done only with a consent.
    IrreversibleIsConfirmed = "irreversible-is-confirmed", Error;
    /// A plan changes what the target cannot change.
    UnreachableIsManual = "unreachable-is-manual", Error;
    /// An invitation is sent again too soon.
    InviteOnce = "invite-once", Error;
    /// Somebody who is disabled would not come back to what they had.
    ReturnRestores = "return-restores", Warning;
    /// Somebody would have access for a moment that they have neither before nor after.
    NothingGainedBetween = "nothing-gained-between", Error;
    /// Somebody would lack access for a moment that they have before and after.
    NothingLostBetween = "nothing-lost-between", Error;
    /// Whoever applies would lose the right to it before they are done.
    NoSelfLockout = "no-self-lockout", Error;
    /// An access test of the files does not hold.
    AccessTest = "access-test", Error;
    /// A consent that names another number than the plan, or nothing in it.
    ConsentMismatch = "consent-mismatch", Error;
    /// What was read of a target may not be all of it.
    ReadIsWhole = "read-is-whole", Error;

    /// More findings than are kept.
    TooManyFindings = "too-many-findings", Error;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())));
    }
}
