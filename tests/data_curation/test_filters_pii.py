"""Personal data: what counts and what does not, masked or dropped. All names and numbers are made up."""

from __future__ import annotations

import phonenumbers
import pytest
from pydantic import ValidationError

from data_curation.filters.pii import PiiSettings, find, judge
from data_curation.filters.pii_finders import PLAIN, Found, iban_checks, luhn_checks

# libphonenumber's own example for the country: a form that exists, and nobody's number in particular
BERLIN = phonenumbers.format_number(phonenumbers.example_number("DE"), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
AT_HOME = phonenumbers.format_number(phonenumbers.example_number("DE"), phonenumbers.PhoneNumberFormat.NATIONAL)
CARD = "4539 1488 0343 6467"
IBAN = "DE44500105175407324931"


def kinds(text, **settings):
    return [piece.kind for piece in find(text, PiiSettings(**settings))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to mak.tol@gmail.com, please.", ["email"]),
        (f"Phone: {BERLIN}", ["phone"]),
        (f"Pay to {IBAN}.", ["iban"]),
        ("Pay to DE44 5001 0517 5407 3249 31.", ["iban"]),
        (f"Charge {CARD} now", ["card"]),
        (f"Charge {CARD.replace(' ', '')} now", ["card"]),
        ("My SSN is 536-22-1234.", ["ssn"]),
        ("Connect to 93.184.216.34 now", ["ip"]),
        ("Connect to 2606:2800:220:1:248:1893:25c8:1946 now", ["ip"]),
        # placeholders and samples
        ("Write to jane@example.com, your.name@gmail.com, user@domain.com or xxxx@gmail.com.", []),
        ("Write to test.email@example.co.uk", []),
        ("Call 415-555-2671, (555) 736-5000, 555-1234, 123-456-7890 or 000-000-0000.", []),
        ("Charge 4111 1111 1111 1111 or 4242424242424242", []),
        ("Pay to GB82 WEST 1234 5698 7654 32", []),
        ("My SSN is 123-45-6789.", []),
        ("The resolver 8.8.8.8 and the router 192.168.0.1, never 203.0.113.5 or 123.123.123.123", []),
        # wrong check digits
        (f"Pay to {IBAN[:-1]}2.", []),
        (f"Charge {CARD[:-1]}8 now", []),
        # other numbers
        ("From 1914-1918, on 2020-12-31, 10 000 000 km, 3.14159265359, 1234567890123456.", []),
        ("Part 603-10-1010, stainless", []),
        ("Version 10.4.12.7 of the program, section 3.1.2.4", []),
        ("At 12:30:45, std::vector::size, 00:1A:2B:3C:4D:5E", []),
        ("Follow @somebody and install @types/node", []),
        ("|1.2|3.4|\n5.3.1.6", []),
        # offices
        ("Write to info@gmail.com or call 1-800-273-8255", []),
    ],
)
def test_what_counts(text, found):
    assert kinds(text) == found


def test_offices_count_if_asked_for():
    assert kinds("Write to info@gmail.com or call 1-800-273-8255", public=True) == ["email", "phone"]


def test_national_numbers_need_their_country():
    assert kinds(f"Rufen Sie {AT_HOME} an") == []
    assert kinds(f"Rufen Sie {AT_HOME} an", regions=["US", "DE"]) == ["phone"]


def test_a_bare_number_needs_a_word_for_it():
    number = BERLIN.replace("+49", "0").replace(" ", "")
    assert kinds(f"The code {number} opens it", regions=["DE"]) == []
    assert kinds(f"Please call me at {number}", regions=["DE"]) == ["phone"]


def test_each_piece_is_masked_in_its_place():
    masked = judge(f"A mak.tol@gmail.com B {CARD} C mak.tol@gmail.com", PiiSettings())
    assert masked.text == "A [EMAIL] B [CARD] C [EMAIL]"
    assert masked.counts == {"card": 1, "email": 2}
    assert judge(masked.text, PiiSettings()) is None  # masking twice changes nothing more
    assert judge("Nothing here.", PiiSettings()) is None


def test_dropped_for_the_first_kind_in_the_settings():
    text = f"{CARD} and mak.tol@gmail.com"
    fault = judge(text, PiiSettings(action="drop"))
    assert (fault.reason, fault.score) == ("email", 2)
    assert judge(text, PiiSettings(action="drop", kinds=["card", "email"])).reason == "card"
    assert judge(text, PiiSettings(action="drop", kinds=["ip"])) is None


def test_check_digits():
    assert luhn_checks("4539148803436467") and not luhn_checks("4539148803436476")
    assert iban_checks(IBAN) and not iban_checks(IBAN.replace("44", "45", 1))


def test_wrong_settings_are_refused():
    with pytest.raises(ValidationError, match="'usa' is no two-letter code of a country"):
        PiiSettings(regions=["usa"])
    with pytest.raises(ValidationError):
        PiiSettings(kinds=["name"])


def test_of_two_pieces_that_overlap_the_earlier_kind_wins(monkeypatch):
    monkeypatch.setitem(PLAIN, "card", lambda text: [Found("card", 0, 6)])
    monkeypatch.setitem(PLAIN, "iban", lambda text: [Found("iban", 4, 8)])
    assert judge("0123456789", PiiSettings(kinds=["card", "iban"])).text == "[CARD]6789"
    assert judge("0123456789", PiiSettings(kinds=["iban", "card"])).text == "0123[IBAN]89"


@pytest.mark.parametrize("region", ["UK", "XX"])
def test_a_country_without_a_numbering_plan_is_refused_not_ignored(region):
    with pytest.raises(ValueError, match=f"'{region}'"):
        PiiSettings(regions=("US", region))
