//! Each rule of the X.509-SVID specification, broken alone.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};

use super::authority_tests::{Authority, HOUR, leaf, uri};
use super::peer_spiffe_id;

const PAYMENTS: &str = "spiffe://shop.local/shop/payments";

fn refusal(break_rule: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = leaf(PAYMENTS, HOUR);
    break_rule(&mut params);
    let der = Authority::new().sign(&params, &KeyPair::generate().unwrap());
    peer_spiffe_id(&der).unwrap_err().to_string()
}

#[test]
fn a_proper_leaf_tells_its_id() {
    let der = Authority::new().sign(&leaf(PAYMENTS, HOUR), &KeyPair::generate().unwrap());
    assert_eq!(peer_spiffe_id(&der).unwrap().as_str(), PAYMENTS);
}

#[test]
fn two_uris_are_refused() {
    let text = refusal(|params| params.subject_alt_names.push(uri("spiffe://shop.local/shop/orders")));
    assert!(text.contains("more than one uri"), "{text}");
}

#[test]
fn no_uri_is_refused() {
    let text = refusal(|params| params.subject_alt_names.clear());
    assert!(text.contains("no subject alternative name"), "{text}");
}

#[test]
fn a_ca_as_leaf_is_refused() {
    let text = refusal(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert!(text.contains("the leaf is a CA"), "{text}");
}

#[test]
fn a_leaf_that_may_sign_certificates_or_revocations_is_refused() {
    for usage in [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign] {
        let text = refusal(|params| params.key_usages.push(usage));
        assert!(text.contains("keyCertSign or cRLSign"), "{text}");
    }
}

#[test]
fn a_leaf_without_digital_signature_is_refused() {
    let text = refusal(|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    assert!(text.contains("lacks digitalSignature"), "{text}");
}

#[test]
fn extended_key_usage_with_one_of_the_two_uses_is_refused() {
    for usage in [ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth] {
        let text = refusal(|params| params.extended_key_usages = vec![usage]);
        assert!(text.contains("lacks clientAuth or serverAuth"), "{text}");
    }
}

#[test]
fn extended_key_usage_may_be_absent() {
    let mut params = leaf(PAYMENTS, HOUR);
    params.extended_key_usages.clear();
    let der = Authority::new().sign(&params, &KeyPair::generate().unwrap());
    assert_eq!(peer_spiffe_id(&der).unwrap().as_str(), PAYMENTS);
}

#[test]
fn bytes_that_are_no_certificate_are_refused() {
    assert!(peer_spiffe_id(b"not DER").is_err());
    assert!(peer_spiffe_id(b"").is_err());
}

#[test]
fn bytes_after_a_certificate_are_refused() {
    let der = Authority::new().sign(&leaf(PAYMENTS, HOUR), &KeyPair::generate().unwrap());
    let longer = [der.as_ref(), b"\0"].concat();
    assert!(peer_spiffe_id(&longer).is_err());
}

#[test]
fn a_uri_that_is_no_spiffe_id_is_refused_and_named_in_brief() {
    let text = refusal(|params| params.subject_alt_names = vec![uri("spiffe://shop.local:7443/a")]);
    assert!(text.contains("spiffe://shop.local:7443/a") && text.contains("trust domain"), "{text}");
    let long = format!("spiffe://shop.local/{}", "a".repeat(2048));
    let text = refusal(|params| params.subject_alt_names = vec![uri(&long)]);
    assert!(text.contains("2048 bytes") && text.len() < 500, "{text}");
}
