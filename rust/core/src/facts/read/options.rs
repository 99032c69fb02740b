//! How columns are read.

use std::sync::Arc;

use crate::calendar::Clock;
use crate::facts::options::Returns;
use crate::facts::text_ids::TemplateTable;
use crate::money::Unit;

/// How integer ids become ordered words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signedness {
    /// The sign bit flipped, so that words order as the numbers do.
    Signed,
    /// As they are.
    Unsigned,
    /// The bits of either, where only equality counts: within one column equal bits are equal ids.
    Bits,
}

/// What ids are that are read as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordIds {
    Integers(Signedness),
    /// Texts, encoded by their templates.
    EncodedTexts,
}

/// How an id column is read.
#[derive(Debug, Clone, Copy)]
pub struct IdReadOptions<'a> {
    /// What words are.
    pub words: WordIds,
    /// The number of the column's first buffer among those of the batch.
    pub buffers: u32,
    pub templates: &'a TemplateTable,
    /// Whether texts with a template are kept in the partitions of their words.
    pub by_template: bool,
    pub role: &'static str,
}

/// What turns columns into arrays, the same for every batch of a source.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    pub clock: Clock,
    pub unit: Unit,
    /// What client ids are, if they are read as words.
    pub words: WordIds,
    /// The templates of text ids that are read as words.
    pub templates: Arc<TemplateTable>,
    /// Whether text ids with a template are kept in the partitions of their words.
    pub by_template: bool,
    /// Whether instants are looked at, and not only days.
    pub instants: bool,
    /// The last day whose lines are used.
    pub last_day: i32,
    pub returns: Returns,
    /// Whether text ids that are all plain integers come out as integers.
    pub plain_integer_ids: bool,
}

impl ReadOptions {
    /// How the client column is read whose first buffer has this number.
    pub fn clients(&self, buffers: u32) -> IdReadOptions<'_> {
        IdReadOptions {
            words: self.words,
            buffers,
            templates: &self.templates,
            by_template: self.by_template,
            role: "client",
        }
    }

    /// How an order column is read.
    pub fn orders(&self, buffers: u32) -> IdReadOptions<'_> {
        IdReadOptions {
            words: WordIds::Integers(Signedness::Bits),
            by_template: false,
            role: "order",
            ..self.clients(buffers)
        }
    }
}
