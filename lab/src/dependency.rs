//! A dependency of the shop: answers after a service time drawn from its distribution. It knows
//! nothing of who calls, and works on as many calls at once as come, or on so many as it is told.

mod service_time;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use hyper::StatusCode;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use self::service_time::ServiceTime;
use crate::cli::RoleArguments;
use crate::role::{Lifeline, say_ready};
use crate::seed;
use crate::server::{self, Reply};
use crate::topology::{PORT, Role};

/// Answers until the lifeline is cut.
pub(crate) async fn serve(arguments: &RoleArguments, mut lifeline: Lifeline) -> Result<Value> {
    let role = arguments.role;
    let capacity = arguments.capacity.map(|it| it as usize);
    let places = Arc::new(Semaphore::new(capacity.unwrap_or(Semaphore::MAX_PERMITS)));
    let listener = server::listen(PORT).with_context(|| format!("listen on port {PORT}"))?;
    let service_time = Arc::new(Mutex::new((
        ServiceTime::of(role).with_median(arguments.service_time_ms),
        seed::stream(arguments.seed, role.name()),
    )));
    let answering = server::serve(listener, move |request| {
        let healthy = request.uri().path() == "/health";
        let service_time = Arc::clone(&service_time);
        let places = Arc::clone(&places);
        async move {
            if healthy {
                return server::json(StatusCode::OK, r#"{"health":"ok"}"#);
            }
            // Never closed, so there is a place sooner or later.
            let _place = places.acquire().await;
            let pause = {
                let mut guard = service_time.lock().unwrap_or_else(PoisonError::into_inner);
                let (service_time, rng) = &mut *guard;
                service_time.draw(rng)
            };
            sleep(pause).await;
            reply(role)
        }
    });
    say_ready()?;
    tokio::select! {
        never = answering => match never {},
        () = lifeline.cut() => {}
    }
    Ok(Value::Null)
}

fn reply(role: Role) -> Reply {
    let body = match role {
        Role::Inventory => r#"{"stock":7}"#,
        Role::Recommendations => r#"{"items":["tea","teapot","cups"]}"#,
        _ => r#"{"payment":"charged"}"#,
    };
    server::json(StatusCode::OK, body)
}
