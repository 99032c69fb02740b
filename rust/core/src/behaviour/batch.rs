//! One batch of events, as borrowed columns.

use std::ops::Range;

use crate::bitmap::Bitmap;
use crate::columns::{AmountValues, Column, DateValues, IdValues, Integers, Texts};
use crate::prefetch::prefetch_range;

/// The values of a column of texts.
#[derive(Debug, Clone)]
pub enum TextValues<'a> {
    /// Each row its own.
    Plain(Texts<'a>),
    /// Dictionary-encoded.
    Dictionary {
        /// The index of each row's text.
        keys: Integers<'a>,
        /// The distinct texts.
        texts: Texts<'a>,
    },
}

/// Equally long columns of events.
#[derive(Debug, Clone)]
pub struct EventBatch<'a> {
    /// The number of events.
    pub rows: usize,
    /// Whose they are.
    pub client: Column<'a, IdValues<'a>>,
    /// When.
    pub timestamp: Column<'a, DateValues<'a>>,
    /// Of which kind.
    pub kind: Column<'a, TextValues<'a>>,
    /// On which page.
    pub page: Option<Column<'a, TextValues<'a>>>,
    /// For how many seconds.
    pub dwell: Option<Column<'a, AmountValues<'a>>>,
    /// With how many clicks.
    pub clicks: Option<Column<'a, AmountValues<'a>>>,
    /// Through which channel.
    pub channel: Option<Column<'a, TextValues<'a>>>,
    /// Of which e-mail.
    pub message: Option<Column<'a, TextValues<'a>>>,
    /// The id of the event.
    pub event_id: Option<Column<'a, IdValues<'a>>>,
    /// Whether a machine opened the e-mail.
    pub machine_open: Option<Column<'a, Bitmap<'a>>>,
    /// The events to keep; a missing one is not kept.
    pub keep: Option<Column<'a, Bitmap<'a>>>,
    /// The events that may be used where tracking needs a consent; a missing one may not.
    pub consented: Option<Column<'a, Bitmap<'a>>>,
}

impl EventBatch<'_> {
    /// Prefetch rows that are read next, in the layouts that most tables have. Columns are read a
    /// block of each in turn, which is too little for processors to prefetch by themselves.
    pub(super) fn prefetch(&self, rows: Range<usize>) {
        if let DateValues::Instants { values, .. } = &self.timestamp.values {
            prefetch_range(values, rows.clone());
        }
        for column in [Some(&self.kind), self.page.as_ref()].into_iter().flatten() {
            if let TextValues::Plain(texts) = &column.values {
                prefetch_range(texts.views, rows.clone());
            }
        }
        for column in [&self.dwell, &self.clicks].into_iter().flatten() {
            match column.values {
                AmountValues::F64(values) => prefetch_range(values, rows.clone()),
                AmountValues::Integers(Integers::I64(values)) => {
                    prefetch_range(values, rows.clone());
                }
                _ => {}
            }
        }
    }
}
