//! Layer 5: pure generators from the catalogue and a patch: schema, reference.
//!
//! Imports `base`, `module`, `patch`. Is handed a `&Catalogue` and never names `modules`; opens no file and plays nothing.
//! Start reading at [`reference`].

pub mod rack_schema;
pub mod reference;
pub mod schema;

pub use rack_schema::rack_schema;
pub use schema::schema;
