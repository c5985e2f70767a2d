//! Command-line options: `--name value`, `--name=value` and switches without a value.

use crate::Failure;
use std::str::FromStr;
use std::time::Duration;

pub struct Args {
    given: Vec<(String, String)>,
}

impl Args {
    /// Refuses what is neither in `valued` nor in `switches`, and any word that is no option.
    pub fn parse(words: &[String], valued: &[&str], switches: &[&str], help: &'static str) -> Result<Self, Failure> {
        let mut given = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--help" || word == "-h" {
                return Err(Failure::Help(help));
            }
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (word.as_str(), None),
            };
            let value = if switches.contains(&name) && inline.is_none() {
                String::new()
            } else if valued.contains(&name) {
                inline.or_else(|| words.next().cloned()).ok_or_else(|| usage(format!("`{name}` needs a value")))?
            } else {
                return Err(usage(format!("unknown option `{word}`")));
            };
            given.push((name.to_string(), value));
        }
        Ok(Args { given })
    }

    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(n, _)| n == name)
    }

    /// The last value given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A number between `least` and `most`; `default` when it is not given.
    pub fn number<T>(&self, name: &str, default: T, least: T, most: T) -> Result<T, Failure>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(default) };
        match text.parse::<T>() {
            Ok(value) if value >= least && value <= most => Ok(value),
            _ => Err(usage(format!("`{name}` is `{text}`: expected a number from {least} to {most}"))),
        }
    }

    /// Seconds with a fraction, at most one hour.
    pub fn seconds(&self, name: &str, default: f64) -> Result<Duration, Failure> {
        Ok(Duration::from_secs_f64(self.number(name, default, 0.0, 3600.0)?))
    }

    /// Milliseconds with a fraction, at most one minute.
    pub fn milliseconds(&self, name: &str, default: f64) -> Result<Duration, Failure> {
        Ok(Duration::from_secs_f64(self.number(name, default, 0.0, 60_000.0)? / 1e3))
    }
}

pub fn usage(text: String) -> Failure {
    Failure::Usage(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, Failure> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        Args::parse(&words, &["--rate", "--header"], &["--stream"], "help")
    }

    #[test]
    fn both_spellings_of_a_value_and_switches() {
        let args = parse("--rate=5 --stream --header a --header b").unwrap();
        assert_eq!(args.number("--rate", 0, 0, 9).unwrap(), 5);
        assert!(args.has("--stream"));
        assert_eq!(args.all("--header").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(args.number("--connections", 7, 0, 9).unwrap(), 7);
    }

    #[test]
    fn what_is_refused_is_named() {
        let refused = |line: &str| parse(line).err().unwrap();
        assert_eq!(refused("--rat 5"), usage("unknown option `--rat`".into()));
        assert_eq!(refused("--stream=yes"), usage("unknown option `--stream=yes`".into()));
        assert_eq!(refused("word"), usage("unknown option `word`".into()));
        assert_eq!(refused("--rate"), usage("`--rate` needs a value".into()));
        assert_eq!(refused("--rate 1 --help"), Failure::Help("help"));
        for text in ["10", "-1", "x", "NaN"] {
            let args = parse(&format!("--rate {text}")).unwrap();
            let expected = usage(format!("`--rate` is `{text}`: expected a number from 0 to 9"));
            assert_eq!(args.number("--rate", 0.0, 0.0, 9.0).err(), Some(expected));
        }
    }
}
