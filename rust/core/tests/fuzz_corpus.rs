//! The inputs of the fuzz targets, run without a fuzzer.

use std::path::Path;

#[path = "../../../fuzz/src/bytes.rs"]
mod bytes;
#[path = "../../../fuzz/src/targets/mod.rs"]
mod targets;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");

#[test]
fn no_kept_input_breaks_a_promise() {
    for (name, target) in targets::TARGETS {
        let folder = Path::new(CORPUS).join(name);
        let mut inputs: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{} is empty", folder.display());
        for input in inputs {
            println!("{}", input.display());
            target(&std::fs::read(&input).unwrap());
        }
    }
}

#[test]
fn no_bytes_at_all_break_no_promise() {
    for (_, target) in targets::TARGETS {
        target(&[]);
    }
}
