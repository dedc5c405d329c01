//! A list of fields is patched in place.

use tulle_http2::Fields;

fn list(fields: &[(&str, &str)]) -> Fields {
    let mut list = Fields::new();
    fields.iter().for_each(|(name, value)| list.push(name.as_bytes(), value.as_bytes()));
    list
}

#[test]
fn a_value_is_set_where_its_field_stands() {
    let mut fields = list(&[(":path", "/"), ("grpc-timeout", "2S"), ("te", "trailers")]);
    assert!(fields.set(b"grpc-timeout", b"1999999u"));
    assert_eq!(fields, list(&[(":path", "/"), ("grpc-timeout", "1999999u"), ("te", "trailers")]));
}

#[test]
fn every_field_of_the_name_gets_the_value_and_no_other_of_its_length() {
    let mut fields = list(&[("a", "1"), ("b", "2"), ("a", "3")]);
    assert!(fields.set(b"a", b"4"));
    assert_eq!(fields, list(&[("a", "4"), ("b", "2"), ("a", "4")]));
}

#[test]
fn nothing_is_set_where_there_is_no_such_field() {
    let mut fields = list(&[("a", "1"), ("ab", "2")]);
    assert!(!fields.set(b"abc", b"4"));
    assert_eq!(fields, list(&[("a", "1"), ("ab", "2")]));
}

/// RFC 7541 §7.1.3.
#[test]
fn what_is_never_indexed_stays_so() {
    let mut fields = Fields::new();
    fields.push_never_indexed(b"a", b"1");
    fields.set(b"a", b"2");
    assert!(fields.iter().all(|field| field.value == b"2" && field.never_indexed));
}
