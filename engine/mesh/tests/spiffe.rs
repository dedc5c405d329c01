//! Identities (SPIFFE ID specification, section 2).

use tulle_mesh::spiffe::SpiffeId;

#[test]
fn an_id_has_a_trust_domain_and_a_path() {
    let id = SpiffeId::parse("spiffe://shop.local/shop/payments").expect("a valid id");
    assert_eq!((id.trust_domain(), id.path()), ("shop.local", "shop/payments"));
    assert_eq!(id.as_str(), id.to_string());
}

#[test]
fn all_characters_that_the_specification_allows_are_taken() {
    for text in ["spiffe://shop.local/a", "spiffe://shop_1-x.local/Shop/pay.ments_2"] {
        assert_eq!(SpiffeId::parse(text).expect("a valid id").as_str(), text);
    }
}

#[test]
fn what_is_no_id_is_refused_and_the_part_is_named() {
    let long = format!("spiffe://shop.local/{}", "x".repeat(2048));
    let wide = format!("spiffe://{}/x", "x".repeat(256));
    for (text, part) in [
        ("https://shop.local/a", "spiffe://"),
        ("SPIFFE://shop.local/a", "spiffe://"),
        ("spiffe://shop.local", "no path"),
        ("spiffe:///a", "trust domain"),
        ("spiffe://Shop.local/a", "trust domain"),
        ("spiffe://shop.local:443/a", "trust domain"),
        ("spiffe://user@shop.local/a", "trust domain"),
        (&wide, "trust domain"),
        ("spiffe://shop.local/", "path segment"),
        ("spiffe://shop.local/a//b", "path segment"),
        ("spiffe://shop.local/a/", "path segment"),
        ("spiffe://shop.local/a/../b", "path segment"),
        ("spiffe://shop.local/a/./b", "path segment"),
        ("spiffe://shop.local/a%2fb", "path with a character"),
        ("spiffe://shop.local/a?b", "path with a character"),
        ("spiffe://shop.local/a#b", "path with a character"),
        (&long, "2048"),
    ] {
        let refused = SpiffeId::parse(text).expect_err(text);
        assert!(refused.to_string().contains(part), "{text}: {refused}");
    }
}
