//! The log's lines, counted.

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    layer::Context,
    registry::LookupSpan,
};

use super::{Metrics, counts::Counts};

impl Metrics {
    /// Counts what is logged at INFO and above, whatever the log's own filter lets through.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let is_ours = |metadata: &Metadata<'_>| {
            metadata.is_event()
                && *metadata.level() <= LevelFilter::INFO
                && metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
        };
        Counting(self.clone()).with_filter(filter_fn(is_ours))
    }
}

struct Counting(Metrics);

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        line.count(&self.0.counts);
    }
}

/// The fields of a line that are counted. Of an access line `tool` is what a client sent: it is not used.
#[derive(Default)]
struct Line {
    event: String,
    action: String,
    outcome: String,
    tool: String,
    refusal: String,
    auth: String,
    status: Option<u64>,
    ms: Option<u64>,
    upstream_calls: u64,
}

impl Line {
    fn count(&self, counts: &Counts) {
        let outcome = self.outcome.as_str();
        let one = |counter: &prometheus::IntCounterVec, labels: &[&str]| {
            counter.with_label_values(labels).inc();
        };
        match (self.event.as_str(), self.action.as_str()) {
            ("access", _) => {
                let status = self.status.map_or("none".to_owned(), |status| status.to_string());
                one(&counts.requests, &[&status, outcome]);
                counts.request_seconds.with_label_values::<&str>(&[]).observe(self.seconds());
                if !self.refusal.is_empty() {
                    one(&counts.refusals, &[&self.refusal]);
                }
                if !self.auth.is_empty() {
                    one(&counts.authentications, &[&self.auth]);
                }
            }
            ("tool", _) => {
                counts.tool_seconds.with_label_values(&[&self.tool]).observe(self.seconds());
                counts.upstream_calls.with_label_values::<&str>(&[]).inc_by(self.upstream_calls);
                if outcome != "ok" {
                    one(&counts.tool_errors, &[outcome]);
                }
            }
            ("audit", "assume_role") => one(&counts.sts_calls, &[outcome]),
            ("keys", _) => one(&counts.key_refreshes, &[outcome]),
            ("query", _) => one(&counts.queries, &[outcome]),
            ("panic", _) => one(&counts.panics, &[]),
            _ => {}
        }
    }

    fn seconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "nothing takes 2^53 milliseconds")]
        let ms = self.ms.unwrap_or_default() as f64;
        ms / 1000.0
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let slot = match field.name() {
            "event" => &mut self.event,
            "action" => &mut self.action,
            "outcome" => &mut self.outcome,
            "tool" => &mut self.tool,
            "refusal" => &mut self.refusal,
            "auth" => &mut self.auth,
            _ => return,
        };
        value.clone_into(slot);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" => self.status = Some(value),
            "ms" => self.ms = Some(value),
            "upstream_calls" => self.upstream_calls = value,
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What is counted of what `log` logs.
    fn counted(log: impl FnOnce()) -> Metrics {
        let metrics = Metrics::new().unwrap();
        let subscriber = tracing_subscriber::registry().with(metrics.layer());
        tracing::subscriber::with_default(subscriber, log);
        metrics
    }

    fn has(metrics: &Metrics, line: &str) {
        let text = metrics.text().unwrap();
        assert!(text.lines().any(|l| l == line), "no line {line:?} in\n{text}");
    }

    #[test]
    fn lines_are_counted_by_what_they_say() {
        let metrics = counted(|| {
            let (status, none) = (Some(200_u16), None::<u16>);
            tracing::info!(
                event = "access",
                status,
                outcome = "answered",
                auth = "hit",
                ms = 7_u64,
                tool = "made up"
            );
            tracing::info!(event = "access", status = none, outcome = "client_gone", ms = 1_u64);
            let refusal = Some("overloaded");
            tracing::info!(
                event = "access",
                status = Some(503_u16),
                outcome = "answered",
                refusal,
                ms = 0_u64
            );
            tracing::info!(
                event = "tool",
                tool = "bucket_list",
                outcome = "ok",
                upstream_calls = 3_u32,
                ms = 30_u64
            );
            tracing::error!(
                event = "tool",
                tool = "bucket_list",
                outcome = "timeout",
                upstream_calls = 1_u32,
                ms = 9000_u64
            );
            tracing::warn!(event = "audit", action = "assume_role", outcome = "failed");
            tracing::warn!(event = "audit", action = "call", outcome = "denied");
            tracing::warn!(event = "keys", outcome = "failed");
            // Below INFO, of others, and of no event of ours.
            tracing::debug!(event = "access", status, outcome = "answered", ms = 7_u64);
            tracing::info!(target: "hyper", event = "access", outcome = "answered");
        });
        has(&metrics, r#"quilt_mcp_requests_total{outcome="answered",status="200"} 1"#);
        has(&metrics, r#"quilt_mcp_requests_total{outcome="client_gone",status="none"} 1"#);
        has(&metrics, r#"quilt_mcp_requests_total{outcome="answered",status="503"} 1"#);
        has(&metrics, r#"quilt_mcp_refusals_total{code="overloaded"} 1"#);
        has(&metrics, r#"quilt_mcp_authentications_total{result="hit"} 1"#);
        has(&metrics, r#"quilt_mcp_tool_seconds_count{tool="bucket_list"} 2"#);
        has(&metrics, r#"quilt_mcp_tool_seconds_bucket{tool="bucket_list",le="0.025"} 0"#);
        has(&metrics, r#"quilt_mcp_tool_seconds_bucket{tool="bucket_list",le="0.05"} 1"#);
        has(&metrics, r#"quilt_mcp_tool_errors_total{code="timeout"} 1"#);
        has(&metrics, "quilt_mcp_upstream_calls_total 4");
        has(&metrics, r#"quilt_mcp_sts_calls_total{outcome="failed"} 1"#);
        has(&metrics, r#"quilt_mcp_key_refreshes_total{outcome="failed"} 1"#);
        let text = metrics.text().unwrap();
        assert!(!text.contains("made up") && !text.contains("denied"), "{text}");
    }
}
