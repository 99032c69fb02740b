//! The exception tree, and the one place where core errors become exceptions.

use grc_core::Error;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(grc_fast, GrcError, PyException, "What grc_fast refuses, in one sentence.");
create_exception!(grc_fast, SourceError, GrcError, "A file or object cannot be read.");
create_exception!(
    grc_fast,
    ColumnError,
    GrcError,
    "A column is missing, or of a type that its role does not take."
);
create_exception!(grc_fast, DataError, GrcError, "A value cannot be used.");
create_exception!(
    grc_fast,
    OptionError,
    GrcError,
    "An option has no meaning, or contradicts another."
);
create_exception!(
    grc_fast,
    ModelError,
    GrcError,
    "A model cannot be read, or cannot do what is asked."
);
create_exception!(grc_fast, OutputError, GrcError, "An output cannot be written.");

/// The exception of a core error. One that quotes a value also carries it, with its role.
pub fn exception(error: &Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Option(_) => OptionError::new_err(message),
        Error::Column(_) => ColumnError::new_err(message),
        Error::Data(_) => DataError::new_err(message),
        Error::Value { role, value, .. } => {
            let exception = DataError::new_err(message);
            Python::attach(|py| {
                let instance = exception.value(py);
                instance
                    .setattr("role", *role)
                    .and_then(|()| instance.setattr("value", value))
                    .map_or_else(|e| e, |()| exception.clone_ref(py))
            })
        }
    }
}
