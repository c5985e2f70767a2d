//! Writes JSON objects.

pub struct Object(String);

impl Object {
    pub fn new() -> Self {
        Object(String::from("{"))
    }

    /// `value` is JSON text.
    pub fn raw(mut self, name: &str, value: &str) -> Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        self.0 += &format!("{comma}{}:{value}", quoted(name));
        self
    }

    pub fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, &quoted(value))
    }

    pub fn count(self, name: &str, value: u64) -> Self {
        self.raw(name, &value.to_string())
    }

    /// With six decimals, which is a nanosecond of a millisecond.
    pub fn number(self, name: &str, value: f64) -> Self {
        self.raw(name, &format!("{value:.6}"))
    }

    pub fn end(self) -> String {
        self.0 + "}"
    }
}

pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_each_kind_of_value() {
        let inner = Object::new().end();
        let text = Object::new().text("a\n", "\"\\é").count("b", 2).number("c", 0.5).raw("d", &inner).end();
        assert_eq!(text, r#"{"a\u000a":"\"\\é","b":2,"c":0.500000,"d":{}}"#);
    }
}
