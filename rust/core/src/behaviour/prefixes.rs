//! Beginnings of texts, many of them: those of a text are found in the time that one search takes.

/// Beginnings, each with what belongs to it.
#[derive(Debug)]
pub(super) struct Prefixes {
    /// Ascending, each once.
    texts: Vec<String>,
    /// What belongs to each.
    numbers: Vec<Vec<u32>>,
    /// For each the longest other one that it begins with.
    parents: Vec<Option<usize>>,
}

impl Prefixes {
    /// Sort beginnings.
    pub fn new(mut prefixes: Vec<(String, u32)>) -> Self {
        prefixes.sort_unstable();
        let (mut texts, mut numbers): (Vec<String>, Vec<Vec<u32>>) = (Vec::new(), Vec::new());
        for (text, number) in prefixes {
            if texts.last() != Some(&text) {
                texts.push(text);
                numbers.push(Vec::new());
            }
            numbers.last_mut().expect("one was pushed").push(number);
        }
        let mut parents: Vec<Option<usize>> = Vec::with_capacity(texts.len());
        for place in 0..texts.len() {
            // All texts between a beginning and what begins with it begin with it too.
            let mut parent = place.checked_sub(1);
            while let Some(other) = parent.filter(|&other| !texts[place].starts_with(&texts[other]))
            {
                parent = parents[other];
            }
            parents.push(parent);
        }
        Self { texts, numbers, parents }
    }

    /// Add what belongs to the beginnings of a text.
    pub fn find(&self, text: &str, found: &mut Vec<u32>) {
        let mut place = self.texts.partition_point(|other| other.as_str() <= text).checked_sub(1);
        while let Some(other) = place {
            if text.starts_with(&self.texts[other]) {
                found.extend(&self.numbers[other]);
            }
            place = self.parents[other];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn beginnings_are_those_that_a_text_starts_with(
            texts in prop::collection::vec("[abé]{0,5}", 0..40),
            text in "[abé]{0,7}",
        ) {
            let numbered = || texts.iter().cloned().zip(0..);
            let mut found = Vec::new();
            Prefixes::new(numbered().collect()).find(&text, &mut found);
            found.sort_unstable();
            let expected = numbered().filter(|(prefix, _)| text.starts_with(prefix.as_str()));
            prop_assert_eq!(found, expected.map(|(_, number)| number).collect::<Vec<u32>>());
        }
    }
}
