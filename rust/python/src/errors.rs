//! The exception tree, and the one place where core errors become exceptions.

use grc_core::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyBaseException, PyException};
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

/// The exception of a core error. One that quotes a value also carries it, with its role or row; one
/// about a file carries what is wrong, as a word, and the line.
pub fn exception(error: &Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Option(_) => OptionError::new_err(message),
        Error::Column(_) => ColumnError::new_err(message),
        Error::Data(_) => DataError::new_err(message),
        Error::Value { role, value, .. } => {
            with_attributes(DataError::new_err(message), |instance| {
                instance.setattr("role", *role)?;
                instance.setattr("value", value)
            })
        }
        Error::Unreadable { row, value, .. } => {
            with_attributes(DataError::new_err(message), |instance| {
                instance.setattr("row", *row)?;
                instance.setattr("value", value)
            })
        }
        Error::Source { kind, line, .. } => {
            with_attributes(SourceError::new_err(message), |instance| {
                instance.setattr("kind", *kind)?;
                instance.setattr("line", *line)
            })
        }
    }
}

/// An exception with attributes; what setting them raises, if it does.
fn with_attributes(
    exception: PyErr,
    set: impl FnOnce(&Bound<'_, PyBaseException>) -> PyResult<()>,
) -> PyErr {
    Python::attach(|py| set(exception.value(py)).err()).unwrap_or(exception)
}
