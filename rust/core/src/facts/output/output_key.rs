//! How the ids of a kind are sorted and shown.

use super::blocks::OutputColumns;
use super::encoded_rows::{encoded_rows, texts_of};
use super::output_spec::OutputSpec;
use super::text_rows::text_rows;
use super::word_rows::integer_rows;
use crate::columns::Ids;
use crate::error::Result;
use crate::facts::key::{Text, Word};
use crate::facts::partition::ScopeState;
use crate::facts::read::WordIds;
use crate::facts::store::{ClientKey, ClientStore, HashedStore};
use crate::facts::text_ids::{Decoder, TemplateTable};

/// How ids come out.
#[derive(Debug, Clone, Copy)]
pub struct IdOutput<'a> {
    /// What ids are that were read as words.
    pub words: WordIds,
    /// The templates of text ids that were read as words.
    pub templates: &'a TemplateTable,
    /// Whether texts that are all plain integers become integers.
    pub plain_integers: bool,
}

/// How the ids of a kind are sorted and shown.
pub trait OutputKey: ClientKey {
    /// The rows of all clients that are shown.
    ///
    /// # Errors
    /// If the ids are too long to be written.
    fn rows(
        stores: Vec<ClientStore<Self>>,
        scopes: Vec<Vec<ScopeState>>,
        output: &OutputSpec,
        ids: IdOutput,
    ) -> Result<OutputColumns<Ids>>
    where
        Self: Sized;

    /// The same clients with their ids as texts, if they were texts.
    ///
    /// Clients stay in the partitions that their words belong to, where all that is known of them is:
    /// texts with a template have to be sent there from now on. Exceptions go by their hash anyway.
    fn into_texts(clients: HashedStore<Self>, decoder: &Decoder) -> HashedStore<Text>
    where
        Self: Sized;
}

impl OutputKey for Word {
    fn rows(
        stores: Vec<ClientStore<Self>>,
        scopes: Vec<Vec<ScopeState>>,
        output: &OutputSpec,
        ids: IdOutput,
    ) -> Result<OutputColumns<Ids>> {
        match ids.words {
            WordIds::Integers(signedness) => Ok(integer_rows(stores, &scopes, output, signedness)),
            WordIds::EncodedTexts => {
                encoded_rows(stores, scopes, output, ids.templates, ids.plain_integers)
            }
        }
    }

    fn into_texts(clients: HashedStore<Self>, decoder: &Decoder) -> HashedStore<Text> {
        let mut texts = texts_of(clients, decoder);
        texts.reindex();
        texts
    }
}

impl OutputKey for Text {
    fn rows(
        stores: Vec<ClientStore<Self>>,
        scopes: Vec<Vec<ScopeState>>,
        output: &OutputSpec,
        ids: IdOutput,
    ) -> Result<OutputColumns<Ids>> {
        text_rows(stores, &scopes, output, ids.plain_integers)
    }

    fn into_texts(clients: HashedStore<Self>, _: &Decoder) -> HashedStore<Text> {
        clients
    }
}
