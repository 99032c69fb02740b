//! The dictionary-encoded columns of a batch, in the codes of the run.

use super::batch::{EventBatch, TextValues};
use super::read_context::ReadContext;
use crate::columns::Column;
use crate::dictionary::{MISSING, SharedDictionary};
use crate::error::Result;
use crate::stop::stop_if_asked;

/// Texts between which it is asked whether to stop.
const TEXTS_AT_ONCE: usize = 1 << 16;

/// For each dictionary-encoded column of a batch the run's code of each of its texts.
pub(super) struct BatchDictionaries {
    pub kind: Option<Vec<u32>>,
    pub page: Option<Vec<u32>>,
    pub channel: Option<Vec<u32>>,
    pub message: Option<Vec<u32>>,
}

impl BatchDictionaries {
    /// Add the texts of a batch's dictionaries to those of the run.
    pub fn new(batch: &EventBatch, context: &ReadContext) -> Result<Self> {
        let codes = |column: Option<&Column<TextValues>>, dictionary: &SharedDictionary| {
            let Some(Column { values: TextValues::Dictionary { texts, .. }, .. }) = column else {
                return Ok(None);
            };
            let mut codes = vec![MISSING; texts.views.len()];
            for (number, codes) in codes.chunks_mut(TEXTS_AT_ONCE).enumerate() {
                stop_if_asked();
                let text = |i| Some(texts.get(number * TEXTS_AT_ONCE + i));
                dictionary.encode(text, codes)?;
            }
            Ok(Some(codes))
        };
        Ok(Self {
            kind: codes(Some(&batch.kind), &context.kinds)?,
            page: codes(batch.page.as_ref(), &context.pages)?,
            channel: codes(batch.channel.as_ref(), &context.channels)?,
            message: codes(batch.message.as_ref(), &context.messages)?,
        })
    }
}
