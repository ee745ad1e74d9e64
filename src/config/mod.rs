//! YAML bytes to a spanned document to a desired [`Directory`](crate::model::Directory) per target.

mod declaration;
mod decode;
mod document;
mod schema;
mod suggest;

pub use declaration::*;
pub use decode::{Context, Decode, Needed, Prose, Several, Single, Sp, Sym, Table, sym_index};
pub use document::{Cursor, Document, Type};
pub use schema::{Checker, declaration_schema};
pub use suggest::nearest;
