//! YAML bytes to a spanned document to a desired [`Directory`](crate::model::Directory) per target.

mod compiled;
mod declaration;
mod decode;
mod document;
pub mod edit;
mod load;
mod resolve;
mod schema;
mod suggest;
pub mod write;

pub use compiled::{CompiledError, compile, decompile};
pub use declaration::*;
pub use decode::{Context, Decode, Needed, Prose, Reason, Several, Single, Sp, Sym, Table, Templated, sym_index};
pub use document::{Cursor, Document, Type};
pub use load::{
    FILE_MAX, FILES_MAX, Leads, Lies, Loaded, Place, TOTAL_MAX, counts, load, load_place, load_sources, root_of,
};
pub use resolve::{Allowance, Declaration, TargetDeclaration, Template, builtin_catalogue};
pub use schema::{Checker, declaration_schema};
pub use suggest::nearest;
