//! Plans at a terminal and in a pull request.

use insta::assert_snapshot;

use super::fixture::{COLOR, NARROW, WIDE, at, blocked, plan, rich, role, roles, target, user};
use crate::model::{Change, PrincipalRecord};
use crate::plan::Forecast;
use crate::render::{plan_markdown, plan_terminal};

#[test]
fn a_rich_plan_on_a_wide_terminal() {
    assert_snapshot!(plan_terminal::plan(&rich(), WIDE), @r#"
home  directory, enforced
15 people gain, 3 lose, 2 change path; 1 of them when they come

  Administrators
    + emmy@acme.com is invited and gains everything as administrator through team platform, when they come
    - alan@acme.com is disabled and loses everything as administrator through own role; keeps some of it on
        project/fraud

  Who can change something
    + 12 people gain edit (edit, use) on project/fraud through team data-platform
        person01@acme.com, person02@acme.com, person03@acme.com, person04@acme.com, person05@acme.com and 7 more
    + eve@acme.com joins and gains viewer (5 permissions) everywhere through own role
    + and edit (edit, use) on 14 resources (project/01, project/02 and 12 more) through team x and team y
    + loader@acme.com (service) gains deploy (what it may do is not published) on workspace/etl through own grant
    - ada@acme.com and bob@acme.com lose comment everywhere through role viewer, which changes; they keep some of it
        on document/handbook

  Who can look at something
    + 12 people gain read on document/handbook through visibility everyone
        person01@acme.com, person02@acme.com, person03@acme.com, person04@acme.com, person05@acme.com and 7 more

  The same access by another way
    ~ grace@acme.com has the same on project/fraud through team b as edit, no longer through team a as edit
    ~ ada@acme.com has the same on project/fraud also through ownership
    ~ 12 people have the same on 14 resources (project/01, project/02 and 12 more) no longer also through everyone
        as use
        person01@acme.com, person02@acme.com, person03@acme.com, person04@acme.com, person05@acme.com and 7 more

  Besides access
    whoever joins by acme.org gets an account with role admin, no longer an account with role viewer (administrator)
      people.yaml:27
    grace@acme.com: access is shorter: no end -> 2027-01-31                            people.yaml:6
    grace@acme.com: attribute region none -> west                                      people.yaml:6
    kurt@acme.com has the address kurt.g@acme.com now                                  people.yaml:7
    ada@acme.com no longer leads team platform                                        people.yaml:15
    emmy@acme.com leads team platform                                                 people.yaml:15
    grace@acme.com leads team platform                                                people.yaml:15
    grace@acme.com: membership in team data is shorter: no end -> 2027-01-31          people.yaml:17
    whoever joins by acme.com gets an account with role viewer in data                people.yaml:26
    nobody joins by old.org any more

  2 of 31 changes change nobody's access: role analyst and team platform

  Roles
    + role analyst (2 permissions, "What this role is for takes a good many words, m…)  people.yaml:1
    - role old  not declared
    ~ role viewer  permissions +list, another description                              people.yaml:2
        + What this role is for takes a good many words, more than fit into one line of a terminal.

  Users
    - user alan@acme.com  disabled, blocked: INC-77                                    people.yaml:9
    - user bob@acme.com  deleted, not declared
    + user emmy@acme.com (developer)  invited                                          people.yaml:5
    ~ user grace@acme.com  role viewer -> developer, until none -> 2027-01-31, name none -> "Grace Hopper",
        attribute region none -> west                                                  people.yaml:6
    ~ user kurt@acme.com -> kurt.g@acme.com  renamed                                   people.yaml:7
    + user loader@acme.com (developer, service, until 2027-06-30, owner ada@acme.com, "Loader", Europe/Berlin,
        region=west, github acme-loader)                                               people.yaml:4
    + user sofia@acme.com (admin)  enabled                                             people.yaml:8

  Teams
    ~ team data -> data-platform  renamed                                             people.yaml:13
    - team empty  not declared
    + team night-shift (gives viewer, in platform, apps 20, cpu 64, memory 256GiB, "Keeps the lights on.")
        people.yaml:11
    ~ team platform  role none -> admin                                               people.yaml:12
    ~ team platform  leads -ada@acme.com +emmy@acme.com +grace@acme.com               people.yaml:15

  Members
    ~ member data grace@acme.com  until none -> 2027-01-31                            people.yaml:17
    - member empty bob@acme.com  goes with team empty
    + member platform emmy@acme.com (maintainer, until 2027-01-31, because covers for Ada)  people.yaml:16

  Resources
    ~ resource project/a -> project/b  renamed                                        people.yaml:21
    + resource project/fraud (visibility restricted, owner ada@acme.com, "Finds fraud.")  people.yaml:19
    ~ resource project/fraud  in none -> project/risk, visibility restricted -> everyone, owner ada@acme.com ->
        emmy@acme.com                                                                 people.yaml:20
    - resource workspace/old  not declared

  Grants
    - grant data-source/warehouse grace@acme.com use  ended 2026-10-31                people.yaml:25
    ~ grant document/handbook everyone  view -> edit, view                            people.yaml:24
    + grant project/fraud team/platform edit until 2027-01-31  because SEC-142: incident review  people.yaml:23

  Domains
    + domain acme.com (viewer, team data)                                             people.yaml:26
    ~ domain acme.org  role viewer -> admin                                           people.yaml:27
    - domain old.org  not declared

  Policies
    ~ policy mfa                                                                      people.yaml:29
          {
        -   "grace_days": 14,
        +   "grace_days": 7,
            "methods": [
              "totp",
              "key"
            ],
        -   "require": "admins"
        +   "require": "all"
          }
    ~ policy passwords  set                                                           people.yaml:30
        + {
        +   "min_length": 14
        + }
    - policy review  no longer set                                                    people.yaml:31
        - {
        -   "every_days": 90
        - }

  Different and not written
    + member data ada@acme.com                                                          teams.yaml:4

  Notes
    role `old` is not declared and stays
    rename-done: user `kurt` has its new name: `was: k` can go                         people.yaml:9
      help: remove `was: k`
    invited and not here yet (2): emmy@acme.com, noether@acme.com
    the invitation has run out (1): late@acme.com
    1,204 live things are not declared and left as they are: 1 user, 1,203 grants

  guards: admin-remains, blast-radius, change-in-place hold

Plan: 9 to add, 13 to change, 9 to remove.
sha256:4f1c92ab…
"#);
}

#[test]
fn a_rich_plan_on_a_narrow_terminal() {
    let text = plan_terminal::plan(&rich(), NARROW);
    assert!(text.lines().all(|l| crate::render::text::width(l) <= 60));
    assert_snapshot!(text, @r#"
home  directory, enforced
15 people gain, 3 lose, 2 change path; 1 of them when they
  come

  Administrators
    + emmy@acme.com is invited and gains everything as
        administrator through team platform, when they come
    - alan@acme.com is disabled and loses everything as
        administrator through own role; keeps some of it on
        project/fraud

  Who can change something
    + 12 people gain edit (edit, use) on project/fraud
        through team data-platform
        person01@acme.com, person02@acme.com,
          person03@acme.com, person04@acme.com,
          person05@acme.com and 7 more
    + eve@acme.com joins and gains viewer (5
        permissions) everywhere through own role
    + and edit (edit, use) on 14 resources (project/01,
        project/02 and 12 more) through team x and team y
    + loader@acme.com (service) gains deploy (what it
        may do is not published) on workspace/etl through
        own grant
    - ada@acme.com and bob@acme.com lose comment
        everywhere through role viewer, which changes; they
        keep some of it on document/handbook

  Who can look at something
    + 12 people gain read on document/handbook through
        visibility everyone
        person01@acme.com, person02@acme.com,
          person03@acme.com, person04@acme.com,
          person05@acme.com and 7 more

  The same access by another way
    ~ grace@acme.com has the same on project/fraud
        through team b as edit, no longer through team a as
        edit
    ~ ada@acme.com has the same on project/fraud also
        through ownership
    ~ 12 people have the same on 14 resources
        (project/01, project/02 and 12 more) no longer also
        through everyone as use
        person01@acme.com, person02@acme.com,
          person03@acme.com, person04@acme.com,
          person05@acme.com and 7 more

  Besides access
    whoever joins by acme.org gets an account with role
      admin, no longer an account with role viewer
      (administrator)                         people.yaml:27
    grace@acme.com: access is shorter: no end ->
      2027-01-31                               people.yaml:6
    grace@acme.com: attribute region none -> west
      people.yaml:6
    kurt@acme.com has the address kurt.g@acme.com now
      people.yaml:7
    ada@acme.com no longer leads team platform
      people.yaml:15
    emmy@acme.com leads team platform         people.yaml:15
    grace@acme.com leads team platform        people.yaml:15
    grace@acme.com: membership in team data is shorter: no
      end -> 2027-01-31                       people.yaml:17
    whoever joins by acme.com gets an account with role
      viewer in data                          people.yaml:26
    nobody joins by old.org any more

  2 of 31 changes change nobody's access: role analyst and
    team platform

  Roles
    + role analyst (2 permissions, "What this role is
        for takes a good many words, m…)       people.yaml:1
    - role old  not declared
    ~ role viewer  permissions +list, another
        description                            people.yaml:2
        + What this role is for takes a good many words,
          more than fit into one line of a terminal.

  Users
    - user alan@acme.com  disabled, blocked: INC-77
        people.yaml:9
    - user bob@acme.com  deleted, not declared
    + user emmy@acme.com (developer)  invited  people.yaml:5
    ~ user grace@acme.com  role viewer -> developer,
        until none -> 2027-01-31, name none -> "Grace
        Hopper", attribute region none -> west
        people.yaml:6
    ~ user kurt@acme.com -> kurt.g@acme.com  renamed
        people.yaml:7
    + user loader@acme.com (developer, service, until
        2027-06-30, owner ada@acme.com, "Loader",
        Europe/Berlin, region=west, github acme-loader)
        people.yaml:4
    + user sofia@acme.com (admin)  enabled     people.yaml:8

  Teams
    ~ team data -> data-platform  renamed     people.yaml:13
    - team empty  not declared
    + team night-shift (gives viewer, in platform, apps
        20, cpu 64, memory 256GiB, "Keeps the lights on.")
        people.yaml:11
    ~ team platform  role none -> admin       people.yaml:12
    ~ team platform  leads -ada@acme.com +emmy@acme.com
        +grace@acme.com                       people.yaml:15

  Members
    ~ member data grace@acme.com  until none ->
        2027-01-31                            people.yaml:17
    - member empty bob@acme.com  goes with team empty
    + member platform emmy@acme.com (maintainer, until
        2027-01-31, because covers for Ada)   people.yaml:16

  Resources
    ~ resource project/a -> project/b  renamed
        people.yaml:21
    + resource project/fraud (visibility restricted,
        owner ada@acme.com, "Finds fraud.")   people.yaml:19
    ~ resource project/fraud  in none -> project/risk,
        visibility restricted -> everyone, owner
        ada@acme.com -> emmy@acme.com         people.yaml:20
    - resource workspace/old  not declared

  Grants
    - grant data-source/warehouse grace@acme.com use
        ended 2026-10-31                      people.yaml:25
    ~ grant document/handbook everyone  view -> edit,
        view                                  people.yaml:24
    + grant project/fraud team/platform edit until
        2027-01-31  because SEC-142: incident review
        people.yaml:23

  Domains
    + domain acme.com (viewer, team data)     people.yaml:26
    ~ domain acme.org  role viewer -> admin   people.yaml:27
    - domain old.org  not declared

  Policies
    ~ policy mfa                              people.yaml:29
          {
        -   "grace_days": 14,
        +   "grace_days": 7,
            "methods": [
              "totp",
              "key"
            ],
        -   "require": "admins"
        +   "require": "all"
          }
    ~ policy passwords  set                   people.yaml:30
        + {
        +   "min_length": 14
        + }
    - policy review  no longer set            people.yaml:31
        - {
        -   "every_days": 90
        - }

  Different and not written
    + member data ada@acme.com                  teams.yaml:4

  Notes
    role `old` is not declared and stays
    rename-done: user `kurt` has its new name: `was: k`
      can go                                   people.yaml:9
      help: remove `was: k`
    invited and not here yet (2): emmy@acme.com,
      noether@acme.com
    the invitation has run out (1): late@acme.com
    1,204 live things are not declared and left as they
      are: 1 user, 1,203 grants

  guards: admin-remains, blast-radius, change-in-place
    hold

Plan: 9 to add, 13 to change, 9 to remove.
sha256:4f1c92ab…
"#);
}

#[test]
fn what_an_apply_will_take_is_said_everywhere() {
    let mut rich = rich();
    for (requests, per_minute, said) in [
        (40, Some(60), "To apply this takes about 40 requests, 40 s at 60 a minute."),
        (1, None, "To apply this takes about 1 request."),
        (1200, Some(60), "To apply this takes about 1,200 requests, 20 min at 60 a minute."),
    ] {
        rich.targets[0].forecast = Some(Forecast { requests, per_minute });
        for text in [plan_terminal::plan(&rich, WIDE), plan_markdown::plan(&rich)] {
            assert!(text.lines().any(|line| line == said), "{text}");
        }
    }
}

#[test]
fn a_rich_plan_as_markdown() {
    assert_snapshot!(plan_markdown::plan(&rich()), @r#"
### rolecall · `home` · 15 people gain, 3 lose, 2 change path; 1 of them when they come

9 to add, 13 to change, 9 to remove · directory, enforced

| Guard | | |
|---|---|---|
| `admin-remains` | ✅ holds | 3 active administrators at the end, never fewer than 2 |
| `blast-radius` | ✅ holds | 1 user of 87 removed, at most 10 pass |
| `blast-radius` | ✅ holds | 1 grant of 40 removed, at most 10 pass |
| `change-in-place` | ✅ holds | every role is changed in one step |

**Administrators**

| Who | Access | Where | Through |
|---|---|---|---|
| `emmy@acme.com` | **is invited and gains everything as administrator** ‼️ | everywhere | through team platform, when they come |
| `alan@acme.com` | **is disabled and loses everything as administrator** ‼️ | everywhere; keeps some of it on project/fraud | through own role |

**Who can change something**

| Who | Access | Where | Through |
|---|---|---|---|
| <details><summary>12 people</summary>`person01@acme.com, person02@acme.com, person03@acme.com, person04@acme.com, person05@acme.com, person06@acme.com, person07@acme.com, person08@acme.com, person09@acme.com, person10@acme.com, person11@acme.com, person12@acme.com`</details> | gain edit (edit, use) | on project/fraud | through team data-platform |
| `eve@acme.com` | joins and gains viewer (5 permissions) | everywhere | through own role |
|  | joins and gains edit (edit, use) | on 14 resources (project/01, project/02 and 12 more) | through team x and team y |
| `loader@acme.com (service)` | gains deploy (what it may do is not published) | on workspace/etl | through own grant |
| `ada@acme.com and bob@acme.com` | lose comment | everywhere; they keep some of it on document/handbook | through role viewer, which changes |

**Who can look at something**

| Who | Access | Where | Through |
|---|---|---|---|
| <details><summary>12 people</summary>`person01@acme.com, person02@acme.com, person03@acme.com, person04@acme.com, person05@acme.com, person06@acme.com, person07@acme.com, person08@acme.com, person09@acme.com, person10@acme.com, person11@acme.com, person12@acme.com`</details> | gain read | on document/handbook | through visibility everyone |

**The same access by another way**

| Who | Access | Where | Through |
|---|---|---|---|
| `grace@acme.com` | has the same | on project/fraud | through team b as edit, no longer through team a as edit |
| `ada@acme.com` | has the same | on project/fraud | also through ownership |
| <details><summary>12 people</summary>`person01@acme.com, person02@acme.com, person03@acme.com, person04@acme.com, person05@acme.com, person06@acme.com, person07@acme.com, person08@acme.com, person09@acme.com, person10@acme.com, person11@acme.com, person12@acme.com`</details> | have the same | on 14 resources (project/01, project/02 and 12 more) | no longer also through everyone as use |

**Besides access**

- **whoever joins by acme.org gets an account with role admin, no longer an account with role viewer (administrator)** ‼️ (`people.yaml:27`)
- grace&#64;acme.com: access is shorter: no end -&gt; 2027-01-31 (`people.yaml:6`)
- grace&#64;acme.com: attribute region none -&gt; west (`people.yaml:6`)
- kurt&#64;acme.com has the address kurt.g&#64;acme.com now (`people.yaml:7`)
- ada&#64;acme.com no longer leads team platform (`people.yaml:15`)
- emmy&#64;acme.com leads team platform (`people.yaml:15`)
- grace&#64;acme.com leads team platform (`people.yaml:15`)
- grace&#64;acme.com: membership in team data is shorter: no end -&gt; 2027-01-31 (`people.yaml:17`)
- whoever joins by acme.com gets an account with role viewer in data (`people.yaml:26`)
- nobody joins by old.org any more

2 of 31 changes change nobody's access: role analyst and team platform

<details><summary>Changes in full (31)</summary>

```diff
+ role analyst (2 permissions, "What this role is for takes a good many words, m…)  # people.yaml:1
- role old  not declared
! role viewer  permissions +list, another description  # people.yaml:2
+     What this role is for takes a good many words, more than fit into one line of a terminal.
- user alan@acme.com  disabled, blocked: INC-77  # people.yaml:9
- user bob@acme.com  deleted, not declared
+ user emmy@acme.com (developer)  invited  # people.yaml:5
! user grace@acme.com  role viewer -> developer, until none -> 2027-01-31, name none -> "Grace Hopper", attribute region none -> west  # people.yaml:6
! user kurt@acme.com -> kurt.g@acme.com  renamed  # people.yaml:7
+ user loader@acme.com (developer, service, until 2027-06-30, owner ada@acme.com, "Loader", Europe/Berlin, region=west, github acme-loader)  # people.yaml:4
+ user sofia@acme.com (admin)  enabled  # people.yaml:8
! team data -> data-platform  renamed  # people.yaml:13
- team empty  not declared
+ team night-shift (gives viewer, in platform, apps 20, cpu 64, memory 256GiB, "Keeps the lights on.")  # people.yaml:11
! team platform  role none -> admin  # people.yaml:12
! team platform  leads -ada@acme.com +emmy@acme.com +grace@acme.com  # people.yaml:15
! member data grace@acme.com  until none -> 2027-01-31  # people.yaml:17
- member empty bob@acme.com  goes with team empty
+ member platform emmy@acme.com (maintainer, until 2027-01-31, because covers for Ada)  # people.yaml:16
! resource project/a -> project/b  renamed  # people.yaml:21
+ resource project/fraud (visibility restricted, owner ada@acme.com, "Finds fraud.")  # people.yaml:19
! resource project/fraud  in none -> project/risk, visibility restricted -> everyone, owner ada@acme.com -> emmy@acme.com  # people.yaml:20
- resource workspace/old  not declared
- grant data-source/warehouse grace@acme.com use  ended 2026-10-31  # people.yaml:25
! grant document/handbook everyone  view -> edit, view  # people.yaml:24
+ grant project/fraud team/platform edit until 2027-01-31  because SEC-142: incident review  # people.yaml:23
+ domain acme.com (viewer, team data)  # people.yaml:26
! domain acme.org  role viewer -> admin  # people.yaml:27
- domain old.org  not declared
! policy mfa  # people.yaml:29
      {
-       "grace_days": 14,
+       "grace_days": 7,
        "methods": [
          "totp",
          "key"
        ],
-       "require": "admins"
+       "require": "all"
      }
! policy passwords  set  # people.yaml:30
+     {
+       "min_length": 14
+     }
- policy review  no longer set  # people.yaml:31
-     {
-       "every_days": 90
-     }
```

</details>

<details open><summary>Different and not written (1)</summary>

```diff
+ member data ada@acme.com  # teams.yaml:4
```

</details>

**Notes**

- role &#96;old&#96; is not declared and stays
- `rename-done`: user &#96;kurt&#96; has its new name: &#96;was: k&#96; can go (`people.yaml:9`)<br>help: remove &#96;was: k&#96;
- invited and not here yet (2): emmy&#64;acme.com, noether&#64;acme.com
- the invitation has run out (1): late&#64;acme.com
- 1,204 live things are not declared and left as they are: 1 user, 1,203 grants

Plan: 9 to add, 13 to change, 9 to remove. Digest `sha256:4f1c92ab…`
"#);
}

#[test]
fn a_blocked_plan() {
    assert_snapshot!(plan_terminal::plan(&blocked(), WIDE), @r#"
home  directory, enforced
nobody's access changes

  Members
    - member platform user01@acme.com  not declared
    - member platform user02@acme.com  not declared
    - member platform user03@acme.com  not declared
    - member platform user04@acme.com  not declared
    - member platform user05@acme.com  not declared
    - member platform user06@acme.com  not declared
    - member platform user07@acme.com  not declared
    - member platform user08@acme.com  not declared
    - member platform user09@acme.com  not declared
    - member platform user10@acme.com  not declared
    - member platform user11@acme.com  not declared
    - member platform user12@acme.com  not declared

  Notes
    rolecall begins to manage members here, and removes 42 members that are not declared: user01@acme.com in platform,
      user02@acme.com in platform, user03@acme.com in platform, user04@acme.com in platform, user05@acme.com in platform
      and 37 more

  blast-radius does not hold: 12 members of 50 removed, at most 10 pass without a consent
    help: if that is meant, say so: --accept removal.member=12
  admin-remains cannot be known: who administers this target cannot be known
    help: mark the role of its administrators with `administers: true`
  guards: change-in-place holds

dbt  directory, enforced
  No changes. dbt is as declared.

consent-mismatch does not hold: `--accept removal.member=9` does not name the number of this plan, which is 12
  help: look at the plan once more; if it is right, say --accept removal.member=12
Agreed to: removal.member=9
Plan: 0 to add, 0 to change, 12 to remove in 1 target.
Blocked: blast-radius, consent-mismatch do not hold. Nothing of this plan will be applied.
sha256:4f1c92ab…
"#);
    assert_snapshot!(plan_markdown::plan(&blocked()), @r#"
### rolecall · `home` · nobody's access changes · **blocked**

0 to add, 0 to change, 12 to remove · directory, enforced

| Guard | | |
|---|---|---|
| `blast-radius` | ⛔ **does not hold** | 12 members of 50 removed, at most 10 pass without a consent<br>help: if that is meant, say so: --accept removal.member=12 |
| `admin-remains` | ⚠️ **cannot be known** | who administers this target cannot be known<br>help: mark the role of its administrators with &#96;administers: true&#96; |
| `change-in-place` | ✅ holds | every role is changed in one step |

<details><summary>Changes in full (12)</summary>

```diff
- member platform user01@acme.com  not declared
- member platform user02@acme.com  not declared
- member platform user03@acme.com  not declared
- member platform user04@acme.com  not declared
- member platform user05@acme.com  not declared
- member platform user06@acme.com  not declared
- member platform user07@acme.com  not declared
- member platform user08@acme.com  not declared
- member platform user09@acme.com  not declared
- member platform user10@acme.com  not declared
- member platform user11@acme.com  not declared
- member platform user12@acme.com  not declared
```

</details>

**Notes**

- rolecall begins to manage members here, and removes 42 members that are not declared: user01&#64;acme.com in platform, user02&#64;acme.com in platform, user03&#64;acme.com in platform, user04&#64;acme.com in platform, user05&#64;acme.com in platform and 37 more

### rolecall · `dbt` · no changes

No changes. dbt is as declared.

### rolecall · consents

| Guard | | |
|---|---|---|
| `consent-mismatch` | ⛔ **does not hold** | &#96;--accept removal.member=9&#96; does not name the number of this plan, which is 12<br>help: look at the plan once more; if it is right, say --accept removal.member=12 |

Agreed to: removal.member=9

**Blocked:** `blast-radius`, `consent-mismatch` do not hold. Nothing of this plan will be applied.

Plan: 0 to add, 0 to change, 12 to remove. Digest `sha256:4f1c92ab…`
"#);
}

#[test]
fn an_empty_plan() {
    assert_snapshot!(plan_terminal::plan(&plan(vec![target("home", Vec::new())]), WIDE), @r#"
home  directory, enforced

No changes. home is as declared.
sha256:4f1c92ab…
"#);
    assert_snapshot!(plan_markdown::plan(&plan(vec![target("home", Vec::new())])), @r#"
### rolecall · `home` · no changes

No changes. home is as declared.

No changes. Digest `sha256:4f1c92ab…`
"#);
    let two = plan(vec![target("bi", Vec::new()), target("dbt", Vec::new())]);
    let shown = plan_terminal::plan(&two, WIDE);
    assert!(shown.contains("\n  No changes. bi is as declared.\n") && shown.contains("\nNo changes in 2 targets.\n"));
    let mut different = target("home", Vec::new());
    different.observed = rich().targets[0].observed.clone();
    assert!(
        plan_terminal::plan(&plan(vec![different]), WIDE)
            .contains("\nNo changes. home differs in one thing that is not written.\n")
    );
    assert!(plan_terminal::plan(&plan(Vec::new()), WIDE).contains("No changes. There is no target."));
}

/// Colours only repeat what signs and words say.
#[test]
fn colours() {
    let small = plan(vec![target(
        "home",
        vec![
            (Change::CreateRole { role: role("admin", &["all"]) }, at("rolecall.yaml", 4)),
            (Change::CreateUser { user: user("ada@acme.com", "admin") }, at("people.yaml", 2)),
            (
                Change::ChangeGrant {
                    to: PrincipalRecord::Everyone,
                    resource: "document/handbook".into(),
                    before: roles(&["view"]),
                    after: roles(&["edit"]),
                },
                at("people.yaml", 3),
            ),
        ],
    )]);
    let colored = plan_terminal::plan(&small, COLOR);
    assert_snapshot!(colored.replace('\u{1b}', "^"), @r#"
^[1mhome^[0m  directory, enforced
nobody's access changes

  ^[1mRoles^[0m
    ^[32m+^[0m role admin (1 permission, administers)                                         ^[2mrolecall.yaml:4^[0m

  ^[1mUsers^[0m
    ^[32m+^[0m user ada@acme.com (admin)                                                        ^[2mpeople.yaml:2^[0m

  ^[1mGrants^[0m
    ^[33m~^[0m grant document/handbook everyone  view -> edit                                   ^[2mpeople.yaml:3^[0m

^[1mPlan: 2 to add, 1 to change, 0 to remove.^[0m
^[2msha256:4f1c92ab…^[0m
"#);
    let plain = plan_terminal::plan(&small, crate::render::Style { color: false, ..COLOR });
    let mut stripped = String::new();
    let mut inside = false;
    for c in colored.chars() {
        match c {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            c if !inside => stripped.push(c),
            _ => {}
        }
    }
    assert_eq!(stripped, plain);
}

#[test]
fn roles_of_the_catalogue_take_one_line() {
    let made = |name: &str| (Change::CreateRole { role: role(name, &["a", "b", "c"]) }, at("rolecall.yaml", 4));
    let mut changes: Vec<_> = ["admin", "developer", "user", "viewer"].map(made).into();
    changes.push((Change::CreateRole { role: role("analyst", &["a"]) }, at("roles.yaml", 2)));
    assert_snapshot!(plan_terminal::plan(&plan(vec![target("home", changes)]), WIDE), @r#"
home  directory, enforced
nobody's access changes

  Roles
    + 4 roles of the catalogue: admin, developer, user, viewer                       rolecall.yaml:4
    + role analyst (1 permission)                                                       roles.yaml:2

Plan: 5 to add, 0 to change, 0 to remove.
sha256:4f1c92ab…
"#);
}
