//! The words of a filter expression.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_till1, take_until},
    character::complete::{char, multispace0},
    combinator::{map, value},
    sequence::delimited,
};

/// One word with the place where it starts, in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word(String),
    Quoted(String),
    Operator(Operator),
    Open,
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Is,
    IsNot,
    Contains,
    Lacks,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Divides an expression into words; the error is the place in characters from 1 where that fails.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, usize> {
    let place = |rest: &str| {
        let before = expression.len().saturating_sub(rest.len());
        expression.get(..before).unwrap_or_default().chars().count() + 1
    };
    let mut all = Vec::new();
    let mut rest = expression.trim_start();
    while !rest.is_empty() {
        let at = place(rest);
        let Ok((after, kind)) = token(rest) else {
            return Err(at);
        };
        all.push(Token { kind, at });
        rest = after.trim_start();
    }
    Ok(all)
}

fn token(input: &str) -> IResult<&str, TokenKind> {
    alt((
        value(TokenKind::Open, char('(')),
        value(TokenKind::Close, char(')')),
        map(operator, TokenKind::Operator),
        map(quoted, |text: &str| TokenKind::Quoted(text.to_owned())),
        map(take_till1(ends_word), |word: &str| TokenKind::Word(word.to_owned())),
    ))
    .parse(input)
}

fn operator(input: &str) -> IResult<&str, Operator> {
    let longest_first = alt((
        value(Operator::IsNot, tag("!=")),
        value(Operator::Lacks, tag("!~")),
        value(Operator::AtMost, tag("<=")),
        value(Operator::AtLeast, tag(">=")),
        value(Operator::Is, tag("=")),
        value(Operator::Contains, tag("~")),
        value(Operator::Less, tag("<")),
        value(Operator::More, tag(">")),
    ));
    delimited(multispace0, longest_first, multispace0).parse(input)
}

fn quoted(input: &str) -> IResult<&str, &str> {
    alt((
        delimited(char('"'), take_until("\""), char('"')),
        delimited(char('\''), take_until("'"), char('\'')),
    ))
    .parse(input)
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '=' | '!' | '~' | '<' | '>' | '"' | '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_operators_and_quotes_are_told_apart() {
        let kinds: Vec<_> = tokens("size>=10GiB and (path~\"a b\")")
            .unwrap()
            .into_iter()
            .map(|token| (token.at, token.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                (1, TokenKind::Word("size".into())),
                (5, TokenKind::Operator(Operator::AtLeast)),
                (7, TokenKind::Word("10GiB".into())),
                (13, TokenKind::Word("and".into())),
                (17, TokenKind::Open),
                (18, TokenKind::Word("path".into())),
                (22, TokenKind::Operator(Operator::Contains)),
                (23, TokenKind::Quoted("a b".into())),
                (28, TokenKind::Close),
            ]
        );
    }

    #[test]
    fn an_open_quote_is_an_error_at_its_place() {
        assert_eq!(tokens("owner=ä or path~\"x"), Err(17));
        assert_eq!(tokens("a ! b"), Err(3));
    }
}
