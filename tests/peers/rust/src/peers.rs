//! The methods.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::contract::service::peers_server;
use crate::contract::{Answer, Ask, Field, Prefix, Record};
use crate::record::Kept;

type Answers = Pin<Box<dyn Stream<Item = Result<Answer, Status>> + Send>>;

#[derive(Default)]
pub struct Peers {
    kept: Kept,
}

// === impl Peers ===

#[tonic::async_trait]
impl peers_server::Peers for Peers {
    type DownStream = Answers;
    type BidiStream = Answers;

    async fn unary(&self, request: Request<Ask>) -> Result<Response<Answer>, Status> {
        let running = self.kept.begin(&request.get_ref().key, request.metadata());
        let ask = request.into_inner();
        pause(ask.sleep_ms).await;
        let ended = ending(&ask);
        running.ended();
        ended?;
        answered(&ask, answer(&ask, &ask.blob))
    }

    async fn again(&self, request: Request<Ask>) -> Result<Response<Answer>, Status> {
        self.unary(request).await
    }

    async fn down(&self, request: Request<Ask>) -> Result<Response<Answers>, Status> {
        let running = self.kept.begin(&request.get_ref().key, request.metadata());
        let ask = request.into_inner();
        let asked = ask.clone();
        // One in hand: the stream is pulled by flow control.
        let (answers, taken) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let gone = answers.clone();
            let work = async {
                pause(ask.sleep_ms).await;
                for number in 0..ask.count {
                    if number > 0 {
                        pause(ask.interval_ms).await;
                    }
                    if answers.send(Ok(answer(&ask, &ask.blob))).await.is_err() {
                        return false;
                    }
                }
                match ending(&ask) {
                    Ok(()) => true,
                    Err(status) => answers.send(Err(status)).await.is_ok(),
                }
            };
            let whole = tokio::select! { whole = work => whole, () = gone.closed() => false };
            if whole {
                running.ended();
            }
        });
        answered(&asked, Box::pin(ReceiverStream::new(taken)) as Answers)
    }

    async fn up(&self, request: Request<Streaming<Ask>>) -> Result<Response<Answer>, Status> {
        let (metadata, _, mut messages) = request.into_parts();
        let Some(first) = messages.message().await? else {
            return Ok(Response::new(Answer::default()));
        };
        let running = self.kept.begin(&first.key, &metadata);
        pause(first.sleep_ms).await;
        let mut came = Answer { received_bytes: size(&first), received_messages: 1, ..Answer::default() };
        while let Some(ask) = messages.message().await? {
            came.received_bytes += size(&ask);
            came.received_messages += 1;
        }
        let ended = ending(&first);
        running.ended();
        ended?;
        answered(&first, came)
    }

    async fn bidi(&self, request: Request<Streaming<Ask>>) -> Result<Response<Answers>, Status> {
        let answers = request.into_inner().map(|ask| ask.map(|ask| answer(&ask, &ask.blob)));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn executions(&self, request: Request<Prefix>) -> Result<Response<Record>, Status> {
        Ok(Response::new(self.kept.of(&request.get_ref().key)))
    }
}

async fn pause(milliseconds: u32) {
    if milliseconds > 0 {
        sleep(Duration::from_millis(milliseconds.into())).await;
    }
}

fn size(ask: &Ask) -> u64 {
    ask.blob.len() as u64
}

fn answer(ask: &Ask, blob: &[u8]) -> Answer {
    let sent = if ask.answer_bytes > 0 { vec![0; ask.answer_bytes as usize] } else { blob.to_vec() };
    Answer { blob: sent, received_bytes: size(ask), received_messages: 1 }
}

fn answered<T>(ask: &Ask, body: T) -> Result<Response<T>, Status> {
    let mut response = Response::new(body);
    *response.metadata_mut() = fields(&ask.head)?;
    Ok(response)
}

/// tonic has trailers for a failure alone.
fn ending(ask: &Ask) -> Result<(), Status> {
    if ask.raises {
        return Err(Status::unknown("the handler raised"));
    }
    if ask.fail_code == 0 {
        return Ok(());
    }
    let code = Code::from_i32(i32::try_from(ask.fail_code).unwrap_or(2));
    let details = vec![0; ask.details_bytes as usize];
    Err(Status::with_details_and_metadata(code, &ask.fail_text, details.into(), fields(&ask.trailers)?))
}

fn fields(asked: &[Field]) -> Result<MetadataMap, Status> {
    let mut made = MetadataMap::new();
    for field in asked {
        if !field.value.is_empty() {
            made.append(name(&field.name)?, value(&field.value)?);
        }
        for number in 0..field.count {
            made.append(name(&format!("{}-{number}", field.name))?, value(&"v".repeat(field.bytes as usize))?);
        }
    }
    Ok(made)
}

fn name(text: &str) -> Result<MetadataKey<Ascii>, Status> {
    text.parse().map_err(|_| Status::internal("no name of a field"))
}

fn value(text: &str) -> Result<MetadataValue<Ascii>, Status> {
    text.parse().map_err(|_| Status::internal("no value of a field"))
}
