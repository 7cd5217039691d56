use runmill_llm::{CallBudgets, CallPolicy, ChatRequest, ChatResponse, Interrupts, Invoked, PolicySource};
use runmill_proto::{
    ErrorKind,
    message::{CallProgress, ClientCall},
};
use runmill_quota::Class;

use super::{
    ClientCalls, Making,
    deltas::Deltas,
    obstacle::{self, Obstacle},
};
use crate::{
    charge::{self, Budgets, Charge},
    client_request,
    environment::{RunState, RunTokens, Spender},
    exchange::Fleet,
};

/// One time that the model client was asked.
pub(super) struct Pass {
    pub invoked: Invoked,
    /// Names of the request's parameters that had no effect.
    pub left_out: Vec<&'static str>,
}

impl ClientCalls {
    /// Makes the call once through the model client, by the current settings. Returns an error if it could not be asked.
    ///
    /// * `failed_before`: number of failed attempts of earlier passes.
    pub(super) async fn pass(&self, making: &Making<'_>, failed_before: u32) -> Result<Pass, Obstacle> {
        let call = making.call;
        self.check_run(call).await?;
        let callee = self.environment.callee(call.provider_id, &call.config).await;
        let callee = callee.map_err(|error| Obstacle::unusable(&error))?;
        let (conversation, id) = (call.conversation.clone(), call.id.to_string());
        let request = client_request::of(conversation, &call.model, id, &call.config, &callee);
        let request = request.map_err(|error| {
            Obstacle::for_good(obstacle::failure(ErrorKind::InvalidRequest, error.to_string()))
        })?;
        let left_out = client_request::without_effect(&call.conversation.generation, &request, &callee);
        let (run_id, spender) = (call.run_id, Spender::OfClient(call.token_id));
        let charge = Charge { callee: &callee, run_id, spender, model: &call.model };
        let budgets = Budgets::of(charge);
        let policy = Policy {
            charge,
            call,
            fleet: &self.fleet,
            failed_before,
            estimated_output: self.output_tokens.estimate(call.run_id),
        };
        let invoked = self.invoke(making, &policy, &request).await;
        self.open_files.note(&invoked.attempts);
        if let Ok(ChatResponse { usage: Some(usage), .. }) = &invoked.result {
            self.output_tokens.note(call.run_id, usage.completion_tokens);
        }
        let invoked = charge::recheck_settings(invoked, &callee).await;
        Ok(Pass { invoked: budgets.recheck(&self.environment, invoked).await, left_out })
    }

    async fn check_run(&self, call: &ClientCall) -> Result<(), Obstacle> {
        let learned = match self.environment.learn_charged_run(call.run_id).await {
            Ok(()) => self.environment.learn_client(call.token_id).await,
            error => error,
        };
        if let Err(error) = learned {
            let failure = obstacle::failure(ErrorKind::ProviderUnavailable, error.to_string());
            let over = if error.is_transient() { Obstacle::for_a_while } else { Obstacle::for_good };
            return Err(over(failure));
        }
        match self.environment.run_state(call.run_id) {
            RunState::Canceled => Err(Obstacle::for_good(obstacle::run_canceled())),
            RunState::Paused => {
                let message =
                    "the run to which the call is charged is paused: resume it, or name another".into();
                Err(Obstacle::for_a_while(obstacle::failure(ErrorKind::Overloaded, message)))
            }
            RunState::Active | RunState::Unknown => Ok(()),
        }
    }

    /// Asks the model client, and passes the parts of a streamed answer on.
    async fn invoke(&self, making: &Making<'_>, policy: &Policy<'_>, request: &ChatRequest) -> Invoked {
        let Making { call, events, in_hand, stop } = making;
        let RunTokens { between_attempts, .. } = self.environment.run_tokens(call.run_id);
        let interrupts = Interrupts {
            before_start: (*stop).clone(),
            between_attempts,
            at_once: in_hand.hang_up.at_once.clone(),
        };
        let client = &policy.charge.callee.client;
        let deltas = Deltas::default();
        let asking = async {
            let invoked = if call.streams {
                client.invoke_streamed(request, policy, &interrupts, &deltas).await
            } else {
                client.invoke_until(request, policy, &interrupts).await
            };
            deltas.end();
            invoked
        };
        let passing_on = async {
            while let Some(delta) = deltas.next().await {
                events.send(CallProgress::Delta(delta)).await;
                deltas.add_up().await;
            }
        };
        let (invoked, (), ()) = tokio::join!(asking, passing_on, events.show_life(deltas.ended()));
        invoked
    }
}

/// Policy of a client's call by the current settings.
struct Policy<'a> {
    charge: Charge<'a>,
    call: &'a ClientCall,
    fleet: &'a Fleet,
    failed_before: u32,
    estimated_output: Option<u64>,
}

impl PolicySource for Policy<'_> {
    fn policy(&self) -> CallPolicy {
        let deadline = Some(self.call.deadline);
        CallPolicy { failed_before: self.failed_before, deadline, ..self.charge.callee.policy() }
    }

    /// If this process was frozen while the call waited for its slot, others have the call.
    fn may_start(&self) -> bool {
        self.fleet.is_fresh()
    }

    fn class(&self) -> Class {
        Class::Interactive
    }

    fn estimated_output(&self) -> Option<u64> {
        self.estimated_output
    }

    fn budgets(&self) -> Option<&dyn CallBudgets> {
        Some(&self.charge)
    }
}
