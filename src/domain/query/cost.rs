//! What a query costs, about.

/// Bytes of a megabyte as Athena bills it. AWS counts in powers of two: its price calculator works
/// with 0.0009765625 (1/1024) TB in a GB.
const MEGABYTE: u64 = 1 << 20;

/// The fewest megabytes billed for a query.
const MIN_MEGABYTES: u64 = 10;

/// Megabytes of a terabyte, 2^40 bytes.
const MEGABYTES_PER_TERABYTE: f64 = 1_048_576.0;

/// The list price of a scanned terabyte in US dollars, in most regions.
const USD_PER_TERABYTE: f64 = 5.0;

/// What Athena's list price makes of a query that scanned so many bytes, in US dollars. A hint, not
/// a bill: it knows neither the region's price nor an account's discounts nor capacity bought
/// beforehand, and S3, Glue and Lambda bill apart.
///
/// The rule, from Athena's page of prices: 5 USD per TB scanned, rounded up to the megabyte, at
/// least 10 MB per query. Nothing is billed for DDL and for queries that failed, so do not ask for
/// those, nor for results that were reused; a cancelled query is billed for what it scanned.
#[must_use]
pub fn cost_usd(bytes: u64) -> f64 {
    let megabytes = bytes.div_ceil(MEGABYTE).max(MIN_MEGABYTES);
    // At most 2^44 megabytes: exact in a double.
    megabytes as f64 * USD_PER_TERABYTE / MEGABYTES_PER_TERABYTE
}
