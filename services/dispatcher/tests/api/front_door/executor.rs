use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use runmill_broker::{Delivery, Envelope, Heard, Listener, Queue, Subscription};
use runmill_proto::{
    ErrorKind, Remarks,
    chat::{Delta, Finish, ModelAnswer},
    message::{CallEvent, CallFailure, CallProgress, ClientCall, Control},
};
use tokio::time::timeout;
use uuid::Uuid;

use super::World;

/// Less than the time after which a test without an event fails.
const SOON: Duration = Duration::from_secs(20);

/// An executor that takes calls of the provider and says what a test wants.
pub struct Executor {
    name: &'static str,
    calls: Box<dyn Subscription>,
}

/// A call in the hand of an executor.
pub struct Taken {
    pub call: ClientCall,
    executor: &'static str,
    delivery: Delivery,
    seq: AtomicU32,
}

impl Executor {
    pub async fn start(world: &World, name: &'static str) -> Self {
        let calls = world.server.broker.subscribe(Queue::Calls(world.provider), 16).await.unwrap();
        Self { name, calls }
    }

    /// Takes the next call, and says so.
    pub async fn take(&mut self) -> Taken {
        let delivery = timeout(SOON, self.calls.next()).await.expect("a call comes").unwrap();
        let call = delivery.message.decode().unwrap();
        let taken = Taken { call, executor: self.name, delivery, seq: AtomicU32::new(0) };
        taken.say(CallProgress::Taken).await;
        taken
    }

    /// Takes no further calls. Those in hand stay there.
    pub async fn stop(&mut self) {
        self.calls.stop().await;
    }

    /// Returns true if no further call waits.
    pub async fn is_idle(&self, world: &World) -> bool {
        let depth = world.server.broker.depth(Queue::Calls(world.provider)).await.unwrap().unwrap();
        depth.ready == 0
    }
}

impl Taken {
    /// Sends the next event. Returns true if its client waits.
    pub async fn say(&self, what: CallProgress) -> bool {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        let event = CallEvent { call_id: self.call.id, executor: self.executor.into(), seq, what };
        self.delivery.reply(Envelope::new(&event)).await.unwrap()
    }

    /// Leaves out an event, as if it were lost.
    pub fn lose_event(&self) {
        self.seq.fetch_add(1, Ordering::Relaxed);
    }

    pub async fn delta(&self, text: &str) -> bool {
        self.say(CallProgress::Delta(Delta { text: text.into(), ..Delta::default() })).await
    }

    pub async fn answer(self, text: &str) {
        let answer = ModelAnswer {
            text: text.into(),
            reasoning: None,
            refusal: None,
            tool_calls: Vec::new(),
            logprobs: None,
            finish: Finish::Stop,
            usage: None,
            remarks: Remarks::default(),
        };
        self.say(CallProgress::Answered(Box::new(answer))).await;
        self.delivery.ack().await.unwrap();
    }

    pub async fn fail(self, kind: ErrorKind, words: &str) {
        let failure = CallFailure { kind, message: words.into(), status: None, retry_after_ms: None };
        self.say(CallProgress::Failed(failure)).await;
        self.delivery.ack().await.unwrap();
    }
}

/// Waits until all executors are told that this call is canceled.
pub async fn heard_canceled(controls: &mut Box<dyn Listener>, call_id: Uuid) {
    let hearing = async {
        loop {
            let Some(Heard::Message(message)) = controls.next().await else { continue };
            if message.decode::<Control>().unwrap() == (Control::CallCanceled { call_id }) {
                return;
            }
        }
    };
    timeout(SOON, hearing).await.expect("the call is canceled");
}
