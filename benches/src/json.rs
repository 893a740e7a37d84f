//! As much JSON as the harness writes: values in, text out, and back.

use std::fmt;

/// A JSON value. Objects keep the order they were given in, so that files can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`, also what a number that is not finite becomes.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Names and values.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Builds an object from `(name, value)` pairs.
    pub(crate) fn object<const N: usize>(fields: [(&str, Json); N]) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The field called `name`, when this is an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(fields) => {
                fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The number, when this is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The items, when this is a list.
    pub(crate) fn list(&self) -> Option<&[Json]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Reads one value that fills all of `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value()?;
        reader.skip_space();
        if reader.at == text.len() { Ok(value) } else { Err(reader.unexpected("the end")) }
    }
}

impl From<f64> for Json {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        // Exact up to 2^53, which is 104 days in nanoseconds.
        Self::Number(number as f64)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) if number.is_finite() => write!(f, "{number}"),
            Self::Null | Self::Number(_) => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(text) => write_text(text, f),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    write_text(name, f)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c if u32::from(c) < 0x20 => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// A cursor over JSON text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn unexpected(&self, wanted: &str) -> String {
        let found: String = self.rest().chars().take(20).collect();
        format!("JSON: expected {wanted} at byte {} and found {found:?}", self.at)
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Steps over `token` when it comes next.
    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self) -> Result<Json, String> {
        if self.take("null") {
            Ok(Json::Null)
        } else if self.take("true") {
            Ok(Json::Bool(true))
        } else if self.take("false") {
            Ok(Json::Bool(false))
        } else if self.take("\"") {
            self.string().map(Json::Text)
        } else if self.take("[") {
            self.items("]", Self::value).map(Json::List)
        } else if self.take("{") {
            self.items("}", Self::field).map(Json::Object)
        } else {
            self.number()
        }
    }

    fn field(&mut self) -> Result<(String, Json), String> {
        if !self.take("\"") {
            return Err(self.unexpected("a name"));
        }
        let name = self.string()?;
        if !self.take(":") {
            return Err(self.unexpected("a colon"));
        }
        Ok((name, self.value()?))
    }

    fn items<T>(
        &mut self,
        end: &str,
        item: fn(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut items = Vec::new();
        if self.take(end) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.take(end) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(self.unexpected("a comma"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let end = self.rest().find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let token = &self.rest()[..end.unwrap_or(self.rest().len())];
        let number = token.parse().map_err(|_| self.unexpected("a value"))?;
        self.at += token.len();
        Ok(Json::Number(number))
    }

    /// Reads on after an opening quote.
    fn string(&mut self) -> Result<String, String> {
        let mut out = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(self.unexpected("a closing quote"));
            };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let Some(c) = self.rest().chars().next() else {
            return Err(self.unexpected("an escape"));
        };
        self.at += c.len_utf8();
        match c {
            'n' => Ok('\n'),
            't' => Ok('\t'),
            'r' => Ok('\r'),
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{c}'),
            '"' | '\\' | '/' => Ok(c),
            'u' => {
                let code = self.rest().get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                let c = code.and_then(char::from_u32).ok_or_else(|| self.unexpected("4 digits"))?;
                self.at += 4;
                Ok(c)
            }
            _ => Err(self.unexpected("an escape")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let value = Json::object([
            ("name", "a \"quoted\"\nline \\ tab\t é".into()),
            ("ops", 123_456_789_u64.into()),
            ("ratio", (-1.5e-3).into()),
            ("none", Json::Null),
            ("list", Json::List(vec![Json::Bool(true), Json::List(vec![]), Json::Object(vec![])])),
        ]);
        assert_eq!(Json::parse(&value.to_string()), Ok(value));
    }

    #[test]
    fn a_number_that_is_not_finite_is_null() {
        assert_eq!(Json::from(f64::NAN).to_string(), "null");
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for text in ["", "{", "[1,", "{\"a\" 1}", "[1 2]", "\"open", "1 2", "\"\\q\"", "nil"] {
            let error = Json::parse(text).expect_err(text);
            assert!(error.contains("at byte"), "{error}");
        }
    }

    #[test]
    fn a_field_is_found_by_name() {
        let value = Json::parse(" { \"a\" : 1 , \"b\" : [ 2 ] } ").unwrap();
        assert_eq!(value.get("a").and_then(Json::number), Some(1.0));
        assert_eq!(value.get("b").and_then(Json::list).map(<[_]>::len), Some(1));
        assert_eq!(value.get("c"), None);
    }
}
