use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::time::{Sleep as TokioSleep, sleep_until};

/// The timer of one connection, for the time that the headers of a request may take.
///
/// hyper asks for an alarm anew with every request, and gives it up when the headers are there.
/// All alarms of a connection are one here, which is set for the first of them and put off only
/// when it rings too early: setting one takes a lock that all connections share.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectionTimer(Arc<Mutex<Option<Pin<Box<TokioSleep>>>>>);

struct Alarm {
    timer: ConnectionTimer,
    deadline: Instant,
}

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Alarm { timer: self.clone(), deadline })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        *sleep = self.sleep_until(deadline);
    }
}

impl Sleep for Alarm {}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.into();
        let mut set = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = set.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            match sleep.as_mut().poll(cx) {
                // It was set for an alarm before this one.
                Poll::Ready(()) if sleep.deadline() < deadline => sleep.as_mut().reset(deadline),
                rung => return rung,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const WAIT: Duration = Duration::from_secs(15);

    /// Polls once, as hyper does when it has read less than the headers.
    async fn rings(alarm: &mut Pin<Box<dyn Sleep>>) -> bool {
        poll_fn(|cx| Poll::Ready(alarm.as_mut().poll(cx).is_ready())).await
    }

    #[tokio::test(start_paused = true)]
    async fn each_alarm_rings_at_its_own_time_whatever_was_set_before() {
        let timer = ConnectionTimer::default();
        let mut first = timer.sleep(WAIT);
        assert!(!rings(&mut first).await);
        drop(first);
        tokio::time::advance(WAIT - Duration::from_secs(1)).await;
        let mut second = timer.sleep(WAIT);
        assert!(!rings(&mut second).await);
        // The first would have been over by now.
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!rings(&mut second).await);
        let asked = timer.now();
        second.as_mut().await;
        assert_eq!(timer.now() - asked, WAIT - Duration::from_secs(2));
        // A shorter one is not kept waiting by a longer.
        let (mut long, mut short) = (timer.sleep(WAIT), timer.sleep(WAIT / 3));
        assert!(!rings(&mut long).await && !rings(&mut short).await);
        let asked = timer.now();
        short.as_mut().await;
        assert_eq!(timer.now() - asked, WAIT / 3);
    }
}
