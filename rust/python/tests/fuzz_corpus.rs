//! The inputs of the fuzz target of the binding, run without a fuzzer.

use std::path::Path;

#[path = "../../../fuzz/src/arrow.rs"]
mod arrow;
#[expect(dead_code, reason = "other targets need more of it")]
#[path = "../../../fuzz/src/bytes.rs"]
mod bytes;

#[test]
fn no_kept_input_leads_out_of_an_array() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/arrow");
    let inputs = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut inputs: Vec<_> = inputs.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    for input in inputs {
        println!("{}", input.display());
        arrow::arrow(&std::fs::read(&input).unwrap());
    }
    arrow::arrow(&[]);
}
