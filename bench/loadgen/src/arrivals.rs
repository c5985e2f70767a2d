//! When requests are due: independent of how the server answers, which is what makes the loop open.

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spacing {
    Poisson,
    Uniform,
}

/// Endless due times in nanoseconds from the start, ascending.
pub struct Arrivals {
    spacing: Spacing,
    mean_gap_ns: f64,
    random: Random,
    next_ns: f64,
}

impl Arrivals {
    pub fn new(spacing: Spacing, rate_per_s: f64, seed: u64) -> Self {
        Arrivals { spacing, mean_gap_ns: 1e9 / rate_per_s, random: Random::new(seed), next_ns: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let due = self.next_ns as u64;
        self.next_ns += match self.spacing {
            Spacing::Uniform => self.mean_gap_ns,
            Spacing::Poisson => -self.random.unit().ln() * self.mean_gap_ns,
        };
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_arrivals_keep_their_distance() {
        let due: Vec<u64> = Arrivals::new(Spacing::Uniform, 1000.0, 0).take(4).collect();
        assert_eq!(due, [0, 1_000_000, 2_000_000, 3_000_000]);
    }

    #[test]
    fn poisson_arrivals_have_exponential_gaps() {
        let due: Vec<u64> = Arrivals::new(Spacing::Poisson, 1000.0, 7).take(100_001).collect();
        let gaps: Vec<f64> = due.windows(2).map(|w| (w[1] - w[0]) as f64 / 1e6).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
