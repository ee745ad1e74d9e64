//! `rolecall catalogue`

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::validate::json;
use super::{Exit, Failure, Global, Ui, load};
use crate::config::{RESERVED_FILE, builtin_catalogue, nearest, root_of};
use crate::diagnostic::{Finding, SourceMap};
use crate::model::Catalogue;
use crate::render::{catalogue as terminal, catalogue_json};
use crate::targets::PROFILES;

/// Show role catalogues: what each role may do, and how roles stand to each other.
///
/// Without a name, lists those that are built in and those that the files declare. What a system does
/// not publish is said to be unknown, and what is inferred is marked.
#[derive(Debug, Args)]
pub struct CatalogueArgs {
    /// A catalogue, or a target for the catalogue that it has
    name: Option<String>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: CatalogueFormat,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CatalogueFormat {
    /// For people at a terminal
    Human,
    /// For programs: schemas/catalogue.schema.json
    Json,
}

/// What can be asked for by name.
struct Known {
    /// The catalogues, each with whether it is built in.
    catalogues: BTreeMap<String, (Arc<Catalogue>, bool)>,
    /// The catalogues of the targets.
    targets: BTreeMap<String, Arc<Catalogue>>,
    /// What is wrong with the files, where they have errors: what they declare is not known then.
    broken: Option<(Vec<Finding>, SourceMap)>,
}

/// Runs the command.
///
/// # Errors
/// When there is no catalogue of that name.
pub fn catalogue(ui: &mut Ui, global: &Global, args: &CatalogueArgs) -> Result<Exit, Failure> {
    let as_json = args.json || args.format == CatalogueFormat::Json;
    // A built-in one is shown also where there are no files, or broken ones.
    if let Some(found) = args.name.as_deref().and_then(|name| builtin_catalogue(&PROFILES, name)) {
        return show(ui, &found, true, as_json);
    }
    let known = known(global);
    let Some(wanted) = &args.name else {
        let all: Vec<(&Catalogue, bool)> =
            known.catalogues.values().map(|(c, builtin)| (c.as_ref(), *builtin)).collect();
        if known.broken.is_some() {
            ui.note(
                "The files have errors, so catalogues that they declare are not listed: see `rolecall validate`.\n",
            );
        }
        let text = if as_json { json(&catalogue_json::document(all))? } else { terminal::list(&all, ui.out_style()) };
        ui.out(&text);
        return Ok(Exit::Done);
    };
    if let Some((found, built_in)) = known.catalogues.get(wanted) {
        return show(ui, found, *built_in, as_json);
    }
    if let Some(found) = known.targets.get(wanted) {
        let built_in = known.catalogues.get(&found.name).is_some_and(|(_, built_in)| *built_in);
        return show(ui, found, built_in, as_json);
    }
    if let Some((findings, sources)) = &known.broken {
        // It may be one of those: what is wrong comes first.
        ui.findings(findings, sources);
        return Err(Failure::error(format!("there is no built-in catalogue `{wanted}`, and the files have errors"))
            .help("mend them, and then it can be told whether they declare it"));
    }
    let names = known.catalogues.keys().chain(known.targets.keys()).map(String::as_str);
    let help = match nearest(wanted, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.catalogues.keys().cloned().collect::<Vec<_>>().join(", ")),
    };
    Err(Failure::error(format!("there is no catalogue `{wanted}`")).help(help))
}

fn show(ui: &mut Ui, found: &Catalogue, built_in: bool, as_json: bool) -> Result<Exit, Failure> {
    let text = if as_json {
        json(&catalogue_json::document([(found, built_in)]))?
    } else {
        terminal::one(found, ui.out_style())
    };
    ui.out(&text);
    Ok(Exit::Done)
}

/// The built-in catalogues, and what the files add where there are any.
fn known(global: &Global) -> Known {
    let mut catalogues: BTreeMap<String, (Arc<Catalogue>, bool)> = BTreeMap::new();
    for (name, _) in PROFILES.catalogues {
        catalogues.extend(builtin_catalogue(&PROFILES, name).map(|c| ((*name).to_owned(), (Arc::new(c), true))));
    }
    let mut known = Known { catalogues, targets: BTreeMap::new(), broken: None };
    if root_of(&global.file).join(RESERVED_FILE).exists() {
        let load::Read { declaration, sources, findings } = load::read(global, false).sound();
        if declaration.is_none() {
            known.broken = Some((findings, sources));
        }
        for (name, catalogue) in declaration.iter().flat_map(|d| &d.catalogues) {
            known.catalogues.insert(name.clone(), (Arc::clone(catalogue), false));
        }
        for target in declaration.into_iter().flat_map(|d| d.targets) {
            known.targets.insert(target.name, target.desired.catalogue);
        }
    }
    known
}
