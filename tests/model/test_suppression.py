"""Tests of L{smtpeter.model.suppression}."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.address import AddressError, parse_address
from smtpeter.model.suppression import listed_address


class ListedAddressTests(SynchronousTestCase):
    """The form in which addresses stand on lists."""

    def test_one_mailbox(self) -> None:
        """Case, needless quotes, the forms of a domain and those of a character tell no mailboxes apart."""
        for listed, others in (
            ("jo.do+x@example.com", ("Jo.Do+X@EXAMPLE.com", '"jo.do+x"@example.com', r'"j\o.do+x"@Example.COM')),
            ("jo@xn--strae-oqa.example", ("JO@straße.example", "jo@XN--STRAE-OQA.example")),
            ("käse@example.com", ("KÄSE@example.com", "ka\u0308se@example.com")),
            ('"a b"@example.com', ('"A B"@example.com', r'"a\ b"@example.com')),
            (r'"a\"\\"@example.com', (r'"A\"\\"@example.com',)),
            ('""@example.com', ('""@EXAMPLE.com',)),
            ("jo@[192.0.2.1]", ("Jo@[192.0.2.1]",)),
        ):
            for other in (listed, *others):
                self.assertEqual(listed_address(other), listed, other)

    def test_other_mailboxes(self) -> None:
        """What is another mailbox, or may be one, has another form."""
        different = ("jo@example.com", "jo+x@example.com", "j.o@example.com", "jo@a.example.com", '"j o"@example.com')
        self.assertEqual(len({listed_address(one) for one in different}), len(different))
        self.assertNotEqual(listed_address("strasse@example.com"), listed_address("straße@example.com"))

    def test_no_domain(self) -> None:
        """A domain that cannot exist is refused."""
        with self.assertRaises(AddressError):
            listed_address("jo@a..example")

    @given(
        st.one_of(
            st.from_regex(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-äÖßſKıİ\u0300\u0301]{1,12}", fullmatch=True),
            st.from_regex(r'"(?:[ !#-\[\]-~ä]|\\[ -~]){0,8}"', fullmatch=True),
        ),
        st.sampled_from(("example.com", "EXAMPLE.com", "straße.example", "[192.0.2.1]")),
    )
    def test_stays(self, local: str, domain: str) -> None:
        """The form of a form is itself, and it is an address still."""
        try:
            address = parse_address(f"{local}@{domain}")
        except AddressError:
            return
        listed = listed_address(address)
        self.assertEqual(listed_address(listed), listed)
        self.assertEqual(listed_address(parse_address(listed)), listed)
