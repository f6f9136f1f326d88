//! From the words of an expression to conditions, every value checked.

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, de::value::StrDeserializer};

use super::{
    Comparison, Condition, Expression, FilterError, Fits, TextField,
    token::{Operator, Token, TokenKind, tokens},
    value,
};
use crate::{
    kind::{Kind, Platform},
    report::{
        codes::Class,
        model::{Confidence, Reclaim, Verdict},
    },
};

/// Parentheses and `not` in one another: an expression that needs more was not typed by a person.
const NESTING_MAX: usize = 64;

const FIELDS: &str =
    "verdict, class, kind, datastore, owner, path, confidence, reclaim, platform, size, apparent or age";

/// Reads a whole expression.
pub(super) fn expression(source: &str) -> Result<Expression, FilterError> {
    let tokens = tokens(source).map_err(|at| FilterError {
        at,
        what: "a quote that is not closed, or a stray character".to_owned(),
    })?;
    let mut parser = Parser {
        end: source.chars().count() + 1,
        tokens: tokens.into_iter().peekable(),
    };
    let expression = parser.any(0)?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some(token) => Err(FilterError {
            at: token.at,
            what: "expected `and`, `or` or the end".to_owned(),
        }),
    }
}

struct Parser {
    /// One past the last character, in characters from 1.
    end: usize,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(single_or(parts, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.term(depth)?];
        while self.takes_word("and") {
            parts.push(self.term(depth)?);
        }
        Ok(single_or(parts, Expression::All))
    }

    fn term(&mut self, depth: usize) -> Result<Expression, FilterError> {
        if depth > NESTING_MAX {
            return Err(self.wrong("nested too deep"));
        }
        if self.takes_word("not") {
            return Ok(Expression::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.takes(&TokenKind::Open) {
            let inner = self.any(depth + 1)?;
            if !self.takes(&TokenKind::Close) {
                return Err(self.wrong("expected `)`"));
            }
            return Ok(inner);
        }
        self.condition()
    }

    fn condition(&mut self) -> Result<Expression, FilterError> {
        let expected = format!("expected a field: {FIELDS}");
        let at = self.place();
        let Some(Token {
            kind: TokenKind::Word(field),
            ..
        }) = self.tokens.next()
        else {
            return Err(FilterError { at, what: expected });
        };
        let operator_at = self.place();
        let Some(Token {
            kind: TokenKind::Operator(operator),
            ..
        }) = self.tokens.next()
        else {
            return Err(FilterError {
                at: operator_at,
                what: format!("expected an operator after `{field}`: = != ~ !~ < <= > >="),
            });
        };
        let value_at = self.place();
        let Some(Token {
            kind: TokenKind::Word(value) | TokenKind::Quoted(value),
            ..
        }) = self.tokens.next()
        else {
            return Err(FilterError {
                at: value_at,
                what: format!("expected a value for `{field}`"),
            });
        };
        let found = match field.to_ascii_lowercase().as_str() {
            "size" => size(operator, &value).map(|(comparison, bytes)| Condition::Size(comparison, bytes)),
            "apparent" => size(operator, &value).map(|(comparison, bytes)| Condition::Apparent(comparison, bytes)),
            "age" => age(operator, &value),
            name => match text_field(name) {
                Some(field) => return text(field, operator, &value).map_err(|what| FilterError { at: value_at, what }),
                None => return Err(FilterError { at, what: expected }),
            },
        };
        found
            .map(Expression::Is)
            .map_err(|what| FilterError { at: value_at, what })
    }

    fn place(&mut self) -> usize {
        self.tokens.peek().map_or(self.end, |token| token.at)
    }

    fn wrong(&mut self, what: &str) -> FilterError {
        FilterError {
            at: self.place(),
            what: what.to_owned(),
        }
    }

    fn takes(&mut self, kind: &TokenKind) -> bool {
        self.tokens.next_if(|token| token.kind == *kind).is_some()
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        self.tokens
            .next_if(|token| matches!(&token.kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(wanted)))
            .is_some()
    }
}

fn single_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

fn text_field(name: &str) -> Option<TextField> {
    Some(match name {
        "verdict" => TextField::Verdict,
        "class" => TextField::Class,
        "kind" => TextField::Kind,
        "datastore" => TextField::Datastore,
        "owner" => TextField::Owner,
        "path" => TextField::Path,
        "confidence" => TextField::Confidence,
        "reclaim" => TextField::Reclaim,
        "platform" => TextField::Platform,
        _ => return None,
    })
}

fn text(field: TextField, operator: Operator, value: &str) -> Result<Expression, String> {
    let value = value.to_lowercase();
    let (contains, negated) = match operator {
        Operator::Is => (false, false),
        Operator::IsNot => (false, true),
        Operator::Contains => (true, false),
        Operator::Lacks => (true, true),
        ordering if field == TextField::Confidence => {
            let confidence = known::<Confidence>(&value)?;
            return Ok(Expression::Is(Condition::Confidence(comparison(ordering)?, confidence)));
        }
        _ => return Err("text has no order: use = != ~ or !~".to_owned()),
    };
    let fits = if !contains {
        check(field, &value)?;
        Fits::Equals(value)
    } else if value.contains(['*', '?']) {
        Fits::Pattern(pattern(&value)?)
    } else {
        Fits::Contains(value)
    };
    let condition = Expression::Is(Condition::Text { field, fits });
    Ok(if negated {
        Expression::Not(Box::new(condition))
    } else {
        condition
    })
}

/// `*` is anything and `?` one character; whatever else a glob knows stands for itself.
fn pattern(value: &str) -> Result<GlobMatcher, String> {
    let glob = globset::escape(value).replace("[*]", "*").replace("[?]", "?");
    let glob = GlobBuilder::new(&glob)
        .backslash_escape(false)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(glob.compile_matcher())
}

/// A value of a closed list that does not exist is a slip of the pen, not a filter that shows nothing.
fn check(field: TextField, value: &str) -> Result<(), String> {
    match field {
        TextField::Verdict => known::<Verdict>(value).map(drop),
        TextField::Class => known::<Class>(value).map(drop),
        TextField::Kind => known::<Kind>(value).map(drop),
        TextField::Confidence => known::<Confidence>(value).map(drop),
        TextField::Reclaim => known::<Reclaim>(value).map(drop),
        TextField::Platform => known::<Platform>(value).map(drop),
        TextField::Datastore | TextField::Owner | TextField::Path => Ok(()),
    }
}

fn known<'a, T: Deserialize<'a>>(value: &'a str) -> Result<T, String> {
    T::deserialize(StrDeserializer::<serde::de::value::Error>::new(value)).map_err(|error| error.to_string())
}

fn size(operator: Operator, text: &str) -> Result<(Comparison, u64), String> {
    let bytes = value::size(text).ok_or_else(|| format!("`{text}` is no size such as 10GiB, 500MB or 4096"))?;
    Ok((comparison(operator)?, bytes))
}

fn age(operator: Operator, text: &str) -> Result<Condition, String> {
    let seconds = value::age(text).ok_or_else(|| format!("`{text}` is no age such as 90d, 12h, 2w or 1y"))?;
    Ok(Condition::Age(comparison(operator)?, seconds))
}

fn comparison(operator: Operator) -> Result<Comparison, String> {
    Ok(match operator {
        Operator::Is => Comparison::Equal,
        Operator::IsNot => Comparison::Unequal,
        Operator::Less => Comparison::Less,
        Operator::AtMost => Comparison::AtMost,
        Operator::More => Comparison::More,
        Operator::AtLeast => Comparison::AtLeast,
        Operator::Contains | Operator::Lacks => {
            return Err("a number contains nothing: use = != < <= > or >=".to_owned());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &str) -> (usize, String) {
        let error = expression(source).unwrap_err();
        (error.at, error.what)
    }

    #[test]
    fn errors_say_where_and_what() {
        for (source, at, what) in [
            ("", 1, "expected a field"),
            ("verdict", 8, "expected an operator after `verdict`"),
            ("verdict=", 9, "expected a value for `verdict`"),
            ("siz>1", 1, "expected a field"),
            ("verdict=gone", 9, "unknown variant `gone`"),
            ("class=nothing", 7, "unknown variant `nothing`"),
            ("size>big", 6, "`big` is no size"),
            ("size~1", 6, "a number contains nothing"),
            ("age>90", 5, "`90` is no age"),
            ("path>a", 6, "text has no order"),
            ("(kind=vmx", 10, "expected `)`"),
            ("kind=vmx kind=vmx", 10, "expected `and`, `or` or the end"),
            ("kind=vmx)", 9, "expected `and`, `or` or the end"),
            ("kind=vmx and", 13, "expected a field"),
            ("owner=ä and \"", 13, "a quote that is not closed"),
        ] {
            let (found_at, found) = error(source);
            assert_eq!(found_at, at, "{source}: {found}");
            assert!(found.starts_with(what), "{source}: {found}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels: usize| format!("{}kind=vmx{}", "(".repeat(levels), ")".repeat(levels));
        assert!(expression(&deep(NESTING_MAX)).is_ok());
        assert_eq!(error(&deep(NESTING_MAX + 1)).1, "nested too deep");
        assert_eq!(
            error(&format!("{}kind=vmx", "not ".repeat(100_000))).1,
            "nested too deep"
        );
    }

    #[test]
    fn keywords_are_values_where_a_value_stands() {
        assert!(expression("owner=and and owner=or").is_ok());
    }
}
