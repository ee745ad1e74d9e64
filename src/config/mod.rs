//! YAML bytes to a spanned document to a desired [`Directory`](crate::model::Directory) per target.
