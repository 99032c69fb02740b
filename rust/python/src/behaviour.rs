//! Behavioural scores, for Python.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeListArray, RecordBatch,
    StringViewArray, TimestampMicrosecondArray, UInt8Array, UInt32Array, UInt64Array,
    new_null_array,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use grc_core::behaviour::{
    BehaviourAccount, BehaviourOptions, BehaviourPass, Bounds, Category, Decay, Density,
    EventBatch, EventDropReason, EventIdColumn, EventOutcome, LedgerColumns, Phase, Repeat, Rule,
    RuleSet, ScoreColumns, StateBatch, StateColumns, TextColumn, TextValues, check_pattern,
    check_patterns,
};
use grc_core::bitmap::Bitmap;
use grc_core::columns::{Column, IdValues, Texts};
use grc_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyChunkedArray, PyTable};

use crate::errors::exception;
use crate::ffi;
use crate::pass::Pass;

/// Refuse a pattern of pages that cannot be read.
#[pyfunction]
pub fn check_page_pattern(pattern: &str) -> PyResult<()> {
    check_pattern(pattern).map_err(|error| exception(&error))
}

/// Check that patterns can be read, and are not too large together.
#[pyfunction]
#[pyo3(signature = (patterns, *, ignore_case))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 hands extracted arguments over by value")]
pub fn check_page_patterns(patterns: Vec<String>, ignore_case: bool) -> PyResult<()> {
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    check_patterns(&patterns, ignore_case).map_err(|error| exception(&error))
}

/// Rules as Python gives them: durations in microseconds.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct RuleSetItems {
    kind_names: Vec<(String, Vec<String>)>,
    ignore_page_case: bool,
    web_kinds: Vec<String>,
    timeout: i64,
    last_dwell: i64,
    bot_events: Option<u32>,
    density: Option<DensityItems>,
    bypass_kinds: Vec<String>,
    decay: (String, i64),
    bounds: (Option<f64>, Option<f64>),
    groups: Vec<(Option<f64>, Option<f64>)>,
    phase_window: i64,
    rules: Vec<RuleItems>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct DensityItems {
    min_dwell: Option<i64>,
    min_clicks: Option<u64>,
    any: bool,
    theme: Option<Vec<String>>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct RuleItems {
    name: String,
    group: usize,
    kinds: Vec<String>,
    page: Option<String>,
    points: f64,
    repeat: (String, i64, u32),
    category: Option<String>,
}

fn unknown(what: &str, name: &str) -> Error {
    Error::Option(format!("there is no {what} \"{name}\""))
}

impl RuleSetItems {
    fn rule_set(self) -> Result<RuleSet> {
        let bounds = |(floor, cap)| Bounds { floor, cap };
        let decay = match (self.decay.0.as_str(), self.decay.1) {
            ("none", _) => Decay::None,
            ("half_life", span) => Decay::HalfLife(span),
            ("linear", span) => Decay::Linear(span),
            ("window", span) => Decay::Window(span),
            (other, _) => return Err(unknown("decay", other)),
        };
        Ok(RuleSet {
            kind_names: self.kind_names,
            ignore_page_case: self.ignore_page_case,
            web_kinds: self.web_kinds,
            timeout: self.timeout,
            last_dwell: self.last_dwell,
            bot_events: self.bot_events,
            density: self.density.map(|density| Density {
                min_dwell: density.min_dwell,
                min_clicks: density.min_clicks,
                any: density.any,
                theme: density.theme,
            }),
            bypass_kinds: self.bypass_kinds,
            decay,
            bounds: bounds(self.bounds),
            groups: self.groups.into_iter().map(bounds).collect(),
            phase_window: self.phase_window,
            rules: self.rules.into_iter().map(RuleItems::rule).collect::<Result<_>>()?,
        })
    }
}

impl RuleItems {
    fn rule(self) -> Result<Rule> {
        let (repeat, span, count) = self.repeat;
        let repeat = match repeat.as_str() {
            "always" => Repeat::Always,
            "once" => Repeat::Once,
            "once_per_session" => Repeat::OncePerSession,
            "once_per_page" => Repeat::OncePerPage,
            "once_per_message" => Repeat::OncePerMessage,
            "every" => Repeat::Every(span),
            "per" => Repeat::Per { count, span },
            other => return Err(unknown("repeat", other)),
        };
        let category = match self.category.as_deref() {
            None => None,
            Some("hot") => Some(Category::Hot),
            Some("warm") => Some(Category::Warm),
            Some("eliminatory") => Some(Category::Eliminatory),
            Some(other) => return Err(unknown("category", other)),
        };
        Ok(Rule {
            name: self.name,
            group: self.group,
            kinds: self.kinds,
            page: self.page,
            points: self.points,
            repeat,
            category,
        })
    }
}

/// Scoring in progress: batches of events in, one row a client out.
#[pyclass(module = "grc_fast._core")]
pub struct BehaviourBuilder {
    pass: Pass<BehaviourPass>,
    id_type: ffi::SeenIdType,
    /// The zone that instants are shown in.
    timezone: String,
}

#[pymethods]
impl BehaviourBuilder {
    #[new]
    #[pyo3(signature = (*, rules, as_of, as_of_is_utc=false, resume_from=None, timezone="UTC", plain_integer_ids=false, memory=None, directory=None, threads=None, ledger=false, state=false))]
    #[expect(clippy::too_many_arguments, reason = "they are the keywords of a Python constructor")]
    #[expect(clippy::fn_params_excessive_bools, reason = "they are named in Python")]
    fn new(
        rules: RuleSetItems,
        as_of: Option<i64>,
        as_of_is_utc: bool,
        resume_from: Option<(i64, bool)>,
        timezone: &str,
        plain_integer_ids: bool,
        memory: Option<u64>,
        directory: Option<PathBuf>,
        threads: Option<usize>,
        ledger: bool,
        state: bool,
    ) -> PyResult<Self> {
        let build = || -> Result<BehaviourPass> {
            BehaviourPass::new(BehaviourOptions {
                rules: rules.rule_set()?,
                as_of,
                as_of_is_utc,
                from: resume_from.map(|(from, _)| from),
                from_zoned: resume_from.is_some_and(|(_, zoned)| zoned),
                timezone: timezone.to_owned(),
                plain_integer_ids,
                memory,
                directory,
                threads,
                ledger,
                state,
            })
        };
        Ok(Self {
            pass: Pass::new(build().map_err(|error| exception(&error))?, "run", threads),
            id_type: ffi::SeenIdType::default(),
            timezone: timezone.to_owned(),
        })
    }

    /// Read a batch of equally long columns.
    #[pyo3(signature = (client, timestamp, kind, *, page=None, dwell=None, clicks=None, channel=None, message=None, event_id=None, machine_open=None, keep=None, consented=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the columns of an event")]
    fn push(
        &mut self,
        py: Python<'_>,
        client: PyChunkedArray,
        timestamp: PyChunkedArray,
        kind: PyChunkedArray,
        page: Option<PyChunkedArray>,
        dwell: Option<PyChunkedArray>,
        clicks: Option<PyChunkedArray>,
        channel: Option<PyChunkedArray>,
        message: Option<PyChunkedArray>,
        event_id: Option<PyChunkedArray>,
        machine_open: Option<PyChunkedArray>,
        keep: Option<PyChunkedArray>,
        consented: Option<PyChunkedArray>,
    ) -> PyResult<()> {
        self.id_type.see(client.data_type());
        let texts = |array: PyChunkedArray| {
            Some(ffi::chunks(array).into_iter().map(normalise_texts).collect())
        };
        let columns = [
            Some(ffi::id_chunks(client)),
            Some(ffi::chunks(timestamp)),
            texts(kind),
            page.and_then(texts),
            dwell.map(ffi::chunks),
            clicks.map(ffi::chunks),
            channel.and_then(texts),
            message.and_then(texts),
            event_id.map(ffi::id_chunks),
            machine_open.map(ffi::chunks),
            keep.map(ffi::chunks),
            consented.map(ffi::chunks),
        ];
        self.pass.step(py, |pass| {
            let present: Vec<bool> = columns.iter().map(Option::is_some).collect();
            let pieces = ffi::align(&columns.into_iter().flatten().collect::<Vec<_>>())?;
            let batches = (0..pieces[0].len())
                .map(|piece| batch(&pieces, &present, piece))
                .collect::<Result<Vec<_>>>()?;
            pass.push(&batches)
        })
    }

    /// Continue from a saved state, whose columns are those that `finish` gives, after the first batch.
    fn resume(&mut self, py: Python<'_>, state: PyTable) -> PyResult<()> {
        self.pass.step(py, |pass| {
            let (batches, _) = state.into_inner();
            batches.iter().try_for_each(|batch| pass.resume(&state_batch(batch)?))
        })
    }

    /// Rows read so far.
    #[getter]
    fn rows_read(&self) -> u64 {
        self.pass.get().map_or(0, BehaviourPass::rows_read)
    }

    /// End the run: the scores, the ledger and the state where they were asked for, the account.
    #[expect(clippy::type_complexity, reason = "it is a tuple in Python")]
    fn finish<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<(PyTable, Option<PyTable>, Option<PyTable>, Bound<'py, PyDict>)> {
        let id_type = self.id_type.take();
        let zone = self.timezone.clone();
        let (scores, ledger, state, account) = self.pass.end(py, |pass| {
            let outcome = pass.finish()?;
            let zone = outcome.account.zoned.then_some(zone.as_str());
            Ok((
                score_table(outcome.scores, &id_type, zone),
                outcome.ledger.map(|ledger| ledger_table(ledger, &id_type, zone)),
                outcome.state.map(|state| state_table(state, &id_type)),
                outcome.account,
            ))
        })?;
        Ok((
            ffi::py_table(scores)?,
            ledger.map(ffi::py_table).transpose()?,
            state.map(ffi::py_table).transpose()?,
            account_dict(py, &account)?,
        ))
    }
}

/// Texts of any type as string views, or dictionary-encoded with string views.
fn normalise_texts(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Null => new_null_array(&DataType::Utf8View, array.len()),
        DataType::Utf8 => Arc::new(array.as_string::<i32>().iter().collect::<StringViewArray>()),
        DataType::LargeUtf8 => {
            Arc::new(array.as_string::<i64>().iter().collect::<StringViewArray>())
        }
        DataType::Dictionary(_, values) if **values != DataType::Utf8View => {
            let dictionary = array.as_any_dictionary();
            dictionary.with_values(normalise_texts(dictionary.values().clone()))
        }
        _ => array,
    }
}

/// One piece of the aligned columns.
fn batch<'a>(
    pieces: &'a [Vec<ArrayRef>],
    present: &[bool],
    piece: usize,
) -> Result<EventBatch<'a>> {
    let mut columns = pieces.iter();
    let mut all = present.iter().map(|&there| {
        if there { columns.next().map(|column| column[piece].as_ref()) } else { None }
    });
    let mut next = || all.next().flatten();
    let needed = |column: Option<&'a dyn Array>| {
        column.ok_or_else(|| Error::Column("a column is missing".to_owned()))
    };
    let client = needed(next())?;
    Ok(EventBatch {
        rows: client.len(),
        client: ffi::ids(client, "client")?,
        timestamp: ffi::dates(needed(next())?)?,
        kind: texts(needed(next())?, "kind")?,
        page: next().map(|column| texts(column, "page")).transpose()?,
        dwell: next().map(ffi::amounts).transpose()?,
        clicks: next().map(ffi::amounts).transpose()?,
        channel: next().map(|column| texts(column, "channel")).transpose()?,
        message: next().map(|column| texts(column, "message")).transpose()?,
        event_id: next().map(|column| ffi::ids(column, "event_id")).transpose()?,
        machine_open: flags(next(), "machine_open column")?,
        keep: flags(next(), "where condition")?,
        consented: flags(next(), "consent column")?,
    })
}

fn texts<'a>(array: &'a dyn Array, role: &str) -> Result<Column<'a, TextValues<'a>>> {
    let values = match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let keys = match ffi::ids(dictionary.keys(), role)?.values {
                IdValues::Integers(keys) => Some(keys),
                IdValues::Floats(_) | IdValues::Texts(_) => None,
            };
            let texts = dictionary.values().as_string_view_opt().map(ffi::texts);
            keys.zip(texts).map(|(keys, texts)| TextValues::Dictionary { keys, texts })
        }
        _ => array.as_string_view_opt().map(|array| TextValues::Plain(ffi::texts(array))),
    };
    let values = values.ok_or_else(|| ffi::no_texts(array, role))?;
    Ok(Column { values, validity: ffi::validity(array) })
}

fn flags<'a>(array: Option<&'a dyn Array>, what: &str) -> Result<Option<Column<'a, Bitmap<'a>>>> {
    array.map(|array| ffi::flags(array, what)).transpose()
}

/// The columns of a saved state.
fn state_batch(batch: &RecordBatch) -> Result<StateBatch<'_>> {
    let wrong = || Error::Data("the file holds no state of behaviour scores".to_owned());
    let column = |name: &str| batch.column_by_name(name).map(AsRef::as_ref).ok_or_else(wrong);
    let text = |name: &str| -> Result<Column<'_, Texts<'_>>> {
        let array = column(name)?;
        let values = ffi::texts(array.as_string_view_opt().ok_or_else(wrong)?);
        Ok(Column { values, validity: ffi::validity(array) })
    };
    let seen = column("seen")?.as_list_opt::<i64>().ok_or_else(wrong)?;
    Ok(StateBatch {
        client: ffi::ids(column("client_id")?, "client")?,
        part: column("part")?.as_primitive_opt::<UInt8Type>().ok_or_else(wrong)?.values(),
        instant: column("instant")?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values(),
        code: column("code")?.as_primitive_opt::<UInt32Type>().ok_or_else(wrong)?.values(),
        number: column("number")?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?.values(),
        value: column("value")?.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?.values(),
        kind: text("kind")?,
        page: text("page")?,
        message: text("message")?,
        event_id: ffi::ids(column("event_id")?, "event_id")?,
        seen: ffi::ids(seen.values().as_ref(), "event_id")?,
        seen_ends: seen.value_offsets(),
    })
}

fn text_array(column: TextColumn) -> ArrayRef {
    let buffers: Vec<Buffer> = column.buffers.into_iter().map(Buffer::from_vec).collect();
    let nulls = NullBuffer::from(column.validity);
    Arc::new(StringViewArray::new(ScalarBuffer::from(column.views), buffers, Some(nulls)))
}

fn instants(array: TimestampMicrosecondArray, zone: Option<&str>) -> ArrayRef {
    Arc::new(match zone {
        Some(zone) => array.with_timezone(zone),
        None => array,
    })
}

fn record_batch(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).expect("all columns are equally long")
}

/// The scores: the groups by their number.
fn score_table(scores: ScoreColumns, id_type: &DataType, zone: Option<&str>) -> RecordBatch {
    let [hot, warm, eliminatory] = scores.hits;
    let there: NullBuffer = scores.last_event.iter().map(|&instant| instant != i64::MIN).collect();
    let nulls = Some(there).filter(|there| there.null_count() > 0);
    let last_event = TimestampMicrosecondArray::new(scores.last_event.into(), nulls);
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("client_id".to_owned(), ffi::id_array(scores.ids, id_type)),
        ("score".to_owned(), Arc::new(Float64Array::from(scores.score))),
    ];
    for (number, sums) in scores.groups.into_iter().enumerate() {
        columns.push((number.to_string(), Arc::new(Float64Array::from(sums))));
    }
    let counts = |values: Vec<u32>| Arc::new(UInt32Array::from(values)) as ArrayRef;
    columns.extend([
        ("phase".to_owned(), Arc::new(UInt8Array::from(scores.phase)) as ArrayRef),
        ("last_event".to_owned(), instants(last_event, zone)),
        ("visits".to_owned(), counts(scores.visits)),
        ("dense_visits".to_owned(), counts(scores.dense_visits)),
        ("hot".to_owned(), counts(hot)),
        ("warm".to_owned(), counts(warm)),
        ("eliminatory".to_owned(), counts(eliminatory)),
    ]);
    record_batch(columns)
}

fn event_ids(ids: EventIdColumn) -> ArrayRef {
    match ids {
        EventIdColumn::Signed(ids) => Arc::new(Int64Array::from(ids)),
        EventIdColumn::Unsigned(ids) => Arc::new(UInt64Array::from(ids)),
        EventIdColumn::Texts(ids) => text_array(ids),
    }
}

/// Lists of ids, of which each row has those up to its end.
fn id_lists(ids: EventIdColumn, ends: Vec<usize>) -> ArrayRef {
    let values = event_ids(ids);
    let offsets = std::iter::once(0).chain(ends).map(|end| end as i64).collect::<Vec<_>>();
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Arc::new(LargeListArray::new(field, OffsetBuffer::new(offsets.into()), values, None))
}

fn ledger_table(ledger: LedgerColumns, id_type: &DataType, zone: Option<&str>) -> RecordBatch {
    record_batch(vec![
        ("client_id".to_owned(), ffi::id_array(ledger.ids, id_type)),
        ("timestamp".to_owned(), instants(ledger.instant.into(), zone)),
        ("event".to_owned(), Arc::new(UInt32Array::from(ledger.event))),
        ("event_id".to_owned(), event_ids(ledger.event_id)),
        ("kind".to_owned(), text_array(ledger.kind)),
        ("page".to_owned(), text_array(ledger.page)),
        ("channel".to_owned(), text_array(ledger.channel)),
        ("dwell".to_owned(), Arc::new(Int64Array::from(ledger.dwell))),
        ("clicks".to_owned(), Arc::new(UInt32Array::from(ledger.clicks))),
        ("visit".to_owned(), Arc::new(UInt32Array::from(ledger.visit))),
        ("visit_dwell".to_owned(), Arc::new(Int64Array::from(ledger.visit_dwell))),
        ("visit_clicks".to_owned(), Arc::new(UInt64Array::from(ledger.visit_clicks))),
        ("visit_passed".to_owned(), Arc::new(BooleanArray::from(ledger.visit_passed))),
        ("rule".to_owned(), Arc::new(UInt32Array::from(ledger.rule))),
        ("group".to_owned(), Arc::new(UInt32Array::from(ledger.group))),
        ("outcome".to_owned(), Arc::new(UInt8Array::from(ledger.outcome))),
        ("weight".to_owned(), Arc::new(Float64Array::from(ledger.weight))),
        ("contribution".to_owned(), Arc::new(Float64Array::from(ledger.contribution))),
    ])
}

fn state_table(state: StateColumns, id_type: &DataType) -> RecordBatch {
    record_batch(vec![
        ("client_id".to_owned(), ffi::id_array(state.ids, id_type)),
        ("part".to_owned(), Arc::new(UInt8Array::from(state.part))),
        ("instant".to_owned(), Arc::new(Int64Array::from(state.instant))),
        ("code".to_owned(), Arc::new(UInt32Array::from(state.code))),
        ("number".to_owned(), Arc::new(UInt64Array::from(state.number))),
        ("value".to_owned(), Arc::new(Float64Array::from(state.value))),
        ("kind".to_owned(), text_array(state.kind)),
        ("page".to_owned(), text_array(state.page)),
        ("message".to_owned(), text_array(state.message)),
        ("event_id".to_owned(), event_ids(state.event_id)),
        ("seen".to_owned(), id_lists(state.seen, state.seen_ends)),
    ])
}

fn account_dict<'py>(py: Python<'py>, account: &BehaviourAccount) -> PyResult<Bound<'py, PyDict>> {
    let dropped = PyDict::new(py);
    for (reason, rows) in EventDropReason::NAMES.into_iter().zip(account.dropped) {
        dropped.set_item(reason, rows)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("rows_read", account.rows_read)?;
    dict.set_item("rows_used", account.rows_read - account.dropped.iter().sum::<u64>())?;
    dict.set_item("dropped", dropped)?;
    dict.set_item("bot_visits", account.bot_visits)?;
    dict.set_item("clients", account.clients)?;
    dict.set_item("kinds", account.kinds.clone())?;
    let rules: Vec<(u64, u64)> =
        account.rules.iter().map(|rule| (rule.won, rule.awarded)).collect();
    dict.set_item("rules", rules)?;
    dict.set_item("unwon_pages", account.unwon_pages.clone())?;
    dict.set_item("unwon_kinds", account.unwon_kinds.clone())?;
    dict.set_item("pages", account.pages)?;
    dict.set_item("first_event", account.range.map(|(first, _)| first))?;
    dict.set_item("last_event", account.range.map(|(_, last)| last))?;
    dict.set_item("as_of", account.as_of)?;
    dict.set_item("zoned", account.zoned)?;
    dict.set_item("spilled", account.spilled)?;
    dict.set_item("phases", Phase::NAMES)?;
    dict.set_item("outcomes", EventOutcome::NAMES)?;
    Ok(dict)
}
