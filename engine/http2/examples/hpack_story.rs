//! This crate's HPACK for a driver in another language: a command a line on standard input, an answer a line.
//!
//! `new` starts with empty tables; `table N` is the peer's SETTINGS_HEADER_TABLE_SIZE; `decode BLOCK` answers with
//! fields; `encode FIELD...` answers with a block; `recode` encodes what was decoded last, as a proxy does. Blocks are
//! hexadecimal; a field is NAME:VALUE, both hexadecimal, and ends in `!` where no hop may index it. What cannot be done
//! is answered by `error CAUSE`; after an error of a connection all further commands but `new` fail as well.

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use tulle_http2::{Config, Connection, ErrorCode, Event, Fields, HeaderLimits, Role, StreamId, Token};

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM_AND_HEADERS: u8 = 5;
const HEADER_TABLE_SIZE: u16 = 1;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Malformed requests are counted in windows of ten seconds, and a story may consist of nothing else.
const BETWEEN_BLOCKS: Duration = Duration::from_secs(11);

/// A connection that decodes and one that encodes; each block is a request of its own, given up at once.
struct Codec {
    receiver: Connection,
    sender: Connection,
    decoded: Fields,
    now: Instant,
    stream: u32,
}

fn main() -> io::Result<()> {
    let mut codec = Codec::new();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = codec.obey(&line?).unwrap_or_else(|cause| format!("error {cause}"));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

// === impl Codec ===

impl Codec {
    fn new() -> Self {
        let header_limits = HeaderLimits { max_list_bytes: 1 << 24, max_fields: 1 << 16, ..HeaderLimits::default() };
        let config = Config { header_limits, max_frame_size: (1 << 24) - 1, ..Config::new(Role::Server) };
        let mut codec = Self {
            receiver: Connection::new(config),
            sender: Connection::new(Config::new(Role::Client)),
            decoded: Fields::new(),
            now: Instant::now(),
            stream: 1,
        };
        let settings = frame(SETTINGS, 0, 0, &[]);
        let greeted = feed(&mut codec.receiver, codec.now, &[PREFACE, &settings].concat(), &mut Fields::new())
            .and_then(|_| feed(&mut codec.sender, codec.now, &settings, &mut Fields::new()));
        debug_assert!(greeted.is_ok(), "{greeted:?}");
        codec
    }

    fn obey(&mut self, line: &str) -> Result<String, String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "new" => {
                *self = Self::new();
                Ok("new".into())
            }
            "table" => self.table(rest),
            "decode" => self.decode(&bytes(rest)?),
            "encode" => {
                let fields = fields(rest)?;
                encode(&mut self.sender, &fields)
            }
            "recode" => encode(&mut self.sender, &self.decoded),
            _ => Err(format!("unknown command {verb:?}")),
        }
    }

    fn table(&mut self, size: &str) -> Result<String, String> {
        let size: u32 = size.parse().map_err(|error| format!("{size:?} is no size: {error}"))?;
        let setting = [&HEADER_TABLE_SIZE.to_be_bytes()[..], &size.to_be_bytes()].concat();
        feed(&mut self.sender, self.now, &frame(SETTINGS, 0, 0, &setting), &mut Fields::new())?;
        drain(&mut self.sender);
        Ok(format!("table {size}"))
    }

    /// The fields of a malformed request are there too: a decoder's table must not depend on what fields say.
    fn decode(&mut self, block: &[u8]) -> Result<String, String> {
        self.now += BETWEEN_BLOCKS;
        let sent = frame(HEADERS, END_STREAM_AND_HEADERS, self.stream, block);
        if let Some(stream) = feed(&mut self.receiver, self.now, &sent, &mut self.decoded)? {
            self.receiver.reset(stream, ErrorCode::CANCEL);
        }
        drain(&mut self.receiver);
        self.stream += 2;
        Ok(self.decoded.iter().map(|field| told(field.name, field.value, field.never_indexed)).collect())
    }
}

/// Feeds all of `input`; the stream of a request that came whole.
fn feed(end: &mut Connection, now: Instant, mut input: &[u8], fields: &mut Fields) -> Result<Option<StreamId>, String> {
    let mut request = None;
    while let Some(event) = end.receive(now, &mut input, fields).map_err(|error| error.to_string())? {
        if let Event::Headers { stream, .. } = event {
            request = Some(stream);
        }
    }
    Ok(request)
}

fn encode(end: &mut Connection, fields: &Fields) -> Result<String, String> {
    drain(end);
    let stream = end.open(Token::NONE, fields, true).map_err(|error| error.to_string())?;
    let block = block_of(&drain(end));
    end.reset(stream, ErrorCode::CANCEL);
    Ok(block.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn drain(end: &mut Connection) -> Vec<u8> {
    let mut taken = Vec::new();
    while !end.output().is_empty() {
        let length = end.output().len();
        taken.extend_from_slice(end.output());
        end.advance_output(length);
        end.pump();
    }
    taken
}

/// The header block in `output`, whole.
fn block_of(mut output: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    output = output.strip_prefix(PREFACE).unwrap_or(output);
    while let Some((&[a, b, c, kind, ..], rest)) = output.split_first_chunk::<9>() {
        let (payload, after) = rest.split_at((usize::from(a) << 16) + (usize::from(b) << 8) + usize::from(c));
        if matches!(kind, HEADERS | CONTINUATION) {
            block.extend_from_slice(payload);
        }
        output = after;
    }
    block
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn fields(text: &str) -> Result<Fields, String> {
    let mut fields = Fields::new();
    for told in text.split_whitespace() {
        let pair = told.strip_suffix('!').unwrap_or(told);
        let (name, value) = pair.split_once(':').ok_or_else(|| format!("{told:?} is no NAME:VALUE"))?;
        let (name, value) = (bytes(name)?, bytes(value)?);
        if pair.len() < told.len() {
            fields.push_never_indexed(&name, &value);
        } else {
            fields.push(&name, &value);
        }
    }
    Ok(fields)
}

fn told(name: &[u8], value: &[u8], never_indexed: bool) -> String {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    format!("{}:{}{} ", hex(name), hex(value), if never_indexed { "!" } else { "" })
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let pair = |at: usize| hex.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..hex.len()).step_by(2).map(|at| pair(at).ok_or_else(|| format!("{hex:?} is not hexadecimal"))).collect()
}
