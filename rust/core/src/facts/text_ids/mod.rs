//! Text ids as words of 64 bits, by templates that many of them share.

mod template;
mod template_table;

pub(super) use template::Template;
pub(super) use template_table::{Decoder, Encoder, TemplateTable, number_in, same_template};
