//! CloudWatch's embedded metric format: lines of the log that CloudWatch Logs turns into metrics, without an
//! agent and without a right of its own.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::{BTreeMap, HashMap};

use prometheus::proto::{Histogram, LabelPair, Metric, MetricFamily, MetricType};
use serde_json::{Map, Value, json};

use super::Metrics;

/// The namespace in CloudWatch.
pub const NAMESPACE: &str = "quilt-mcp-server";

/// Metrics since the last look, line by line.
pub struct Embedded {
    metrics: Metrics,
    /// What was told of counters and buckets: they only grow, and CloudWatch adds up.
    told: HashMap<String, u64>,
}

/// Names and values of labels: CloudWatch's dimensions.
type Labels = Vec<(String, String)>;

impl Embedded {
    /// Nothing told yet.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, told: HashMap::new() }
    }

    /// A line of JSON for each set of dimensions that has something new. `now` in milliseconds since 1970.
    pub fn lines(&mut self, now: i64) -> Vec<String> {
        let mut sets: BTreeMap<Labels, Map<String, Value>> = BTreeMap::new();
        for family in &self.metrics.gathered() {
            for metric in family.get_metric() {
                let labels = labels(metric.get_label());
                if let Some(value) = self.news(family, metric, &labels) {
                    sets.entry(labels).or_default().insert(short(family.name()), value);
                }
            }
        }
        sets.into_iter().map(|(labels, values)| line(&labels, values, now)).collect()
    }

    /// What is new of a metric; a size is always told.
    fn news(&mut self, family: &MetricFamily, metric: &Metric, labels: &Labels) -> Option<Value> {
        let key = format!("{}{labels:?}", family.name());
        match family.get_field_type() {
            MetricType::GAUGE => Some(json!(metric.get_gauge().get_value())),
            MetricType::COUNTER => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "they count from 0"
                )]
                let count = metric.get_counter().get_value() as u64;
                let new = self.more(key, count);
                (new > 0).then(|| json!(new))
            }
            MetricType::HISTOGRAM => self.distribution(&key, metric.get_histogram()),
            _ => None,
        }
    }

    /// How many there are in each bucket, by its upper bound; what is above all of them, at twice the last.
    fn distribution(&mut self, key: &str, histogram: &Histogram) -> Option<Value> {
        let (mut values, mut counts) = (Vec::new(), Vec::new());
        let (mut below, mut last) = (0, 0.0);
        let buckets = histogram.get_bucket().iter();
        let buckets = buckets.map(|b| (b.upper_bound(), b.cumulative_count()));
        for (bound, cumulative) in buckets.chain([(f64::INFINITY, histogram.get_sample_count())]) {
            let new = self.more(format!("{key}{bound}"), cumulative.saturating_sub(below));
            if new > 0 {
                values.push(if bound.is_finite() { bound } else { last * 2.0 });
                counts.push(new);
            }
            (below, last) = (cumulative, bound);
        }
        (!counts.is_empty()).then(|| json!({"Values": values, "Counts": counts}))
    }

    /// By how much it has grown.
    fn more(&mut self, key: String, count: u64) -> u64 {
        let told = self.told.insert(key, count).unwrap_or_default();
        count.saturating_sub(told)
    }
}

fn labels(pairs: &[LabelPair]) -> Labels {
    pairs.iter().map(|pair| (pair.name().to_owned(), pair.value().to_owned())).collect()
}

/// The namespace says whose it is, and CloudWatch adds up by itself.
fn short(name: &str) -> String {
    let name = name.strip_prefix("quilt_mcp_").unwrap_or(name);
    name.strip_suffix("_total").unwrap_or(name).to_owned()
}

fn line(labels: &Labels, values: Map<String, Value>, now: i64) -> String {
    let dimensions: Vec<&str> = labels.iter().map(|(name, _)| name.as_str()).collect();
    let metrics: Vec<Value> = values.keys().map(|n| json!({"Name": n, "Unit": unit(n)})).collect();
    let mut line = values;
    line.extend(labels.iter().map(|(name, value)| (name.clone(), json!(value))));
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics});
    line.insert("_aws".to_owned(), json!({"Timestamp": now, "CloudWatchMetrics": [directive]}));
    Value::Object(line).to_string()
}

fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("seconds") => "Seconds",
        Some("bytes") => "Bytes",
        _ => "Count",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a look, each by its dimensions.
    fn told(embedded: &mut Embedded) -> Vec<(Value, Value)> {
        let lines = embedded.lines(1_700_000_000_000);
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| (line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0].clone(), line))
            .collect()
    }

    #[test]
    fn embedded_lines_tell_what_is_new() {
        let metrics = Metrics::new().unwrap();
        metrics.gauge("quilt_mcp_resident_bytes", "Memory.", Box::new(|| 5.0)).unwrap();
        let mut embedded = Embedded::new(metrics.clone());
        let log = |seconds: &[f64]| {
            for taken in seconds {
                metrics.counts.tool_seconds.with_label_values(&["bucket_list"]).observe(*taken);
                metrics.counts.tool_errors.with_label_values(&["timeout"]).inc();
                metrics.counts.upstream_calls.with_label_values::<&str>(&[]).inc();
            }
        };
        log(&[600.0, 0.03, 0.03]);
        let first = told(&mut embedded);
        let of = |lines: &[(Value, Value)], dimension: Value| {
            lines.iter().find(|(d, _)| *d == dimension).map(|(_, line)| line.clone())
        };
        let tool = of(&first, json!(["tool"])).unwrap();
        assert_eq!(tool["tool"], "bucket_list");
        assert_eq!(tool["tool_seconds"], json!({"Values": [0.05, 600.0], "Counts": [2, 1]}));
        let directive = &tool["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "quilt-mcp-server");
        assert_eq!(directive["Metrics"], json!([{"Name": "tool_seconds", "Unit": "Seconds"}]));
        assert_eq!(tool["_aws"]["Timestamp"], 1_700_000_000_000_u64);
        assert_eq!(of(&first, json!(["code"])).unwrap()["tool_errors"], 3);
        let plain = of(&first, json!([])).unwrap();
        assert_eq!((&plain["resident_bytes"], &plain["upstream_calls"]), (&json!(5.0), &json!(3)));
        // Nothing happened: sizes alone.
        let second = told(&mut embedded);
        assert_eq!(second.len(), 1, "{second:?}");
        assert!(second[0].1["upstream_calls"].is_null(), "{second:?}");
        log(&[0.03]);
        let third = told(&mut embedded);
        assert_eq!(of(&third, json!(["tool"])).unwrap()["tool_seconds"]["Counts"], json!([1]));
        assert_eq!(of(&third, json!([])).unwrap()["upstream_calls"], 1);
    }
}
