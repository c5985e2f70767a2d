//! Counts of durations in buckets whose width grows with the value: every percentile is right within 1/128.

const SUB_BITS: u32 = 7;
const SUB: u64 = 1 << SUB_BITS;
/// Longer durations (18 minutes) share the last bucket.
const MAX_NS: u64 = (1 << 40) - 1;

pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum_ns: u128,
    max_ns: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram { buckets: vec![0; bucket(MAX_NS) + 1], count: 0, sum_ns: 0, max_ns: 0 }
    }

    pub fn add(&mut self, ns: u64) {
        self.buckets[bucket(ns.min(MAX_NS))] += 1;
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// 0 when nothing was added, as for the percentiles.
    pub fn mean_ns(&self) -> f64 {
        self.sum_ns as f64 / self.count.max(1) as f64
    }

    /// The smallest bucket end that `percent` of the values do not exceed.
    pub fn percentile_ns(&self, percent: f64) -> u64 {
        let rank = ((percent / 100.0 * self.count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (i, n) in self.buckets.iter().enumerate() {
            seen += n;
            if seen >= rank {
                return bucket_end(i).min(self.max_ns);
            }
        }
        self.max_ns
    }
}

fn bucket(ns: u64) -> usize {
    let shift = (63 - SUB_BITS).saturating_sub((ns | SUB).leading_zeros());
    ((u64::from(shift) << SUB_BITS) + (ns >> shift)) as usize
}

/// The largest value of a bucket.
fn bucket_end(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * SUB {
        return index;
    }
    let shift = (index >> SUB_BITS) - 1;
    ((SUB + (index & (SUB - 1)) + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn every_value_lies_in_its_bucket() {
        for exponent in 0..40 {
            for ns in [(1u64 << exponent) - 1, 1 << exponent, (1 << exponent) + 1, (1 << exponent) * 3 / 2] {
                let (ns, index) = (ns.min(MAX_NS), bucket(ns.min(MAX_NS)));
                assert!(bucket_end(index) >= ns, "{ns}");
                assert!(index == 0 || bucket_end(index - 1) < ns, "{ns}");
                assert!(bucket_end(index) - ns <= ns / SUB, "{ns}");
            }
        }
    }

    #[test]
    fn percentiles_equal_those_of_the_sorted_values() {
        let mut random = Random::new(3);
        let mut values: Vec<u64> = (0..10_000).map(|_| (-random.unit().ln() * 1e6) as u64).collect();
        let mut histogram = Histogram::new();
        values.iter().for_each(|v| histogram.add(*v));
        values.sort_unstable();
        for percent in [50.0, 90.0, 95.0, 99.0, 99.9, 100.0] {
            let exact = values[(percent / 100.0 * 10_000.0f64).ceil() as usize - 1];
            let found = histogram.percentile_ns(percent);
            assert!(found >= exact && found - exact <= exact / SUB, "{percent}: {found} for {exact}");
        }
        assert_eq!(histogram.max_ns(), *values.last().unwrap());
        assert_eq!(histogram.mean_ns(), values.iter().sum::<u64>() as f64 / 10_000.0);
    }

    #[test]
    fn nothing_and_too_long_durations_are_counted() {
        let mut histogram = Histogram::new();
        assert_eq!((histogram.percentile_ns(50.0), histogram.mean_ns()), (0, 0.0));
        histogram.add(u64::MAX);
        assert_eq!((histogram.count(), histogram.max_ns()), (1, u64::MAX));
    }
}
