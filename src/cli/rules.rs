//! `rolecall rules` and `rolecall explain-rule`

use clap::{Args, ValueEnum};

use super::plan::no_json;
use super::{Exit, Failure, Ui};
use crate::invariants::{RULES, RuleInfo, rule};
use crate::render::{rules_json, rules_terminal};

/// How rules are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RulesFormat {
    /// For people
    Human,
    /// For programs: schemas/rules.schema.json
    Json,
}

/// List the rules that rolecall holds to.
///
/// Each has a name that stands in findings, and judges the files, a plan, or every state that an apply
/// passes through. Most can be set to error, warn or off in `policies.invariants`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// How the rules are written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: RulesFormat,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

/// Explain one rule: what it says, why, what it finds and what to do then.
#[derive(Debug, Args)]
pub struct ExplainRuleArgs {
    /// The rule, as it stands in findings
    #[arg(value_name = "NAME")]
    name: String,
    /// How the rule is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: RulesFormat,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

/// Lists the rules.
///
/// # Errors
/// When no JSON can be made.
pub fn rules(ui: &mut Ui, args: &RulesArgs) -> Result<Exit, Failure> {
    let text = match args.format {
        RulesFormat::Human if !args.json => rules_terminal::rules(ui.out_style()),
        _ => rules_json::rules().map_err(|e| no_json(&e))?,
    };
    ui.out(&text);
    Ok(Exit::Done)
}

/// Explains a rule.
///
/// # Errors
/// When there is no rule of that name.
pub fn explain_rule(ui: &mut Ui, args: &ExplainRuleArgs) -> Result<Exit, Failure> {
    let Some(found) = rule(&args.name) else {
        let near = crate::config::nearest(&args.name, RULES.iter().map(RuleInfo::name));
        let help = near.map_or("`rolecall rules` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Failure::error(format!("there is no rule `{}`", args.name)).help(help));
    };
    let text = match args.format {
        RulesFormat::Human if !args.json => rules_terminal::rule(found, ui.out_style()),
        _ => rules_json::rule(found).map_err(|e| no_json(&e))?,
    };
    ui.out(&text);
    Ok(Exit::Done)
}
