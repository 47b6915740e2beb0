//! Streams and Control: who serves them, and the verbs that ask of them.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::options::{Failure, Options};
use crate::control::{Code, Control, Fail, Message, Value};
use crate::rt::flows::Flows;
use crate::stream::session::Session;
use crate::stream::{Desk, Header, Server};

/// The names of a daemon's streams: they lead somewhere only where any are listened for. `[control]`
pub(super) fn flows(options: &Options) -> Flows {
    if options.streams.is_empty() { Flows::NOWHERE } else { Flows::new() }
}

/// Listens for streams, for an engine of a rate [Hz], and hands over their verbs. `[control]`
///
/// # Errors
/// A place that cannot be had.
pub(super) fn start(options: &Options, control: &mut Control, flows: &Flows, rate: u32) -> Result<Option<Server>, Failure> {
    if options.streams.is_empty() {
        return Ok(None);
    }
    let allow = options.osc.allow.clone();
    let server = Server::start(&options.streams, &(Arc::new(move |from| allow.allows(from)) as _), flows, rate);
    let server = server.map_err(|why| Failure::Machine(why.to_string()))?;
    hand_over(control, server.desk());
    Ok(Some(server))
}

/// The verbs and counts of streams. `[control]`
pub fn hand_over(control: &mut Control, desk: Desk) {
    let counts = desk.clone();
    control.add_counts("streams", move || {
        let (underruns, starved) = counts.flows().starved();
        counts.counts().into_iter().chain([("underruns", underruns), ("starved", starved)]).collect()
    });
    let list = desk.clone();
    control.hand_over("/stream/list", "", "Answers with each stream: its name, keys and values; then /done.", move |call| {
        let mut told: Vec<Message> = rows(&list).into_iter().map(|row| Message::new(call.address, row)).collect();
        let count = Value::Integer(told.len() as i64);
        told.push(Message::new("/done", vec![call.address.into(), count]));
        Ok(told)
    });
    control.hand_over("/stream/close", "name", "Ends the streams of a name, whoever sends or reads them.", move |call| {
        let [Value::Text(name)] = call.values else {
            return Err(Fail::new(call.address, Code::WrongArguments, "the name of a stream is wanted (/stream/list)"));
        };
        match desk.close(name) {
            0 => {
                let all = desk.sessions();
                let near = crate::base::nearest::nearest(name, all.iter().map(|session| session.name()));
                let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                Err(Fail::new(call.address, Code::WrongArguments, format!("no stream is called {name}{near}")))
            }
            count => Ok(vec![Message::new("/done", vec![call.address.into(), Value::Integer(count as i64)])]),
        }
    });
}

/// What is known of every stream, and of every name that is awaited.
fn rows(desk: &Desk) -> Vec<Vec<Value>> {
    let sessions = desk.sessions();
    let pushes = |session: &&Arc<Session>| matches!(session.header, Header::Push(_));
    let mut all = Vec::new();
    for (name, inflow) in desk.flows().inflows() {
        let session = sessions.iter().filter(pushes).find(|session| session.name() == name);
        // The table of names and this one hold one each, the session another.
        let readers = inflow.readers_but(2 + usize::from(session.is_some()));
        let mut row = vec![name.as_str().into(), "way".into(), "in".into(), "readers".into(), Value::Integer(readers as i64)];
        row.extend(session.map(|session| told(session)).unwrap_or_default());
        let counts = inflow.counts();
        row.extend(counted("underruns", counts.underruns.load(Relaxed)));
        row.extend(counted("starved", counts.starved.load(Relaxed)));
        all.push(row);
    }
    for session in sessions.iter().filter(|session| !pushes(session)) {
        let mut row = vec![session.name().into(), "way".into(), "out".into()];
        row.extend(told(session));
        all.push(row);
    }
    all
}

fn counted(name: &str, count: u64) -> [Value; 2] {
    [name.into(), Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))]
}

/// What a session says of itself.
fn told(session: &Session) -> Vec<Value> {
    let mut row = vec!["from".into(), session.from.as_str().into()];
    match &session.header {
        Header::Push(push) => {
            row.extend(["rate".into(), Value::Integer(push.rate.into()), "channels".into(), Value::Integer(push.channels as i64)]);
            row.extend(["format".into(), push.format.to_string().into(), "drift-ppm".into(), Value::Number(session.drift().into())]);
        }
        Header::Read(read) => row.extend(["format".into(), read.format.to_string().into()]),
    }
    row.extend(["waits".into(), Value::Number(session.waits().into())]);
    row.extend(counted("frames", session.frames.load(Relaxed)));
    row.extend(counted("lost", session.lost.load(Relaxed)));
    row.extend(counted("full", session.full.load(Relaxed)));
    row
}
