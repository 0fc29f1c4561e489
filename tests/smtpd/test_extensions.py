"""What is advertised, and that it is honoured."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.message import Draft
from tests.smtpd.support import SETTINGS, Site, WireClient

OK_SENDER = b"250 2.1.0 Ok\r\n"
OK_RECIPIENT = b"250 2.1.5 Ok\r\n"


class Advertised(SynchronousTestCase):
    COMMON = [b"PIPELINING", b"SIZE 26214400", b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES", b"DSN"]

    def extensions(self, answer: bytes) -> list[bytes]:
        """The lines of a reply to EHLO, without the first."""
        lines = answer.split(b"\r\n")
        self.assertEqual((lines[0], lines[-1]), (b"250-mail.example.com", b""))
        self.assertEqual({line[:4] for line in lines[:-2]}, {b"250-"})
        self.assertEqual(lines[-2][:4], b"250 ")
        return [line[4:] for line in lines[1:-1]]

    def test_in_clear(self) -> None:
        """In clear STARTTLS is offered, AUTH is not."""
        answer = Site().greeted().say(b"EHLO x\r\n")
        self.assertEqual(self.extensions(answer), [*self.COMMON, b"STARTTLS"])

    def test_in_tls(self) -> None:
        """In TLS, AUTH is offered, STARTTLS is not."""
        answer = Site().greeted(is_encrypted=True).say(b"EHLO x\r\n")
        self.assertEqual(self.extensions(answer), [*self.COMMON, b"AUTH PLAIN LOGIN"])

    def test_without_address(self) -> None:
        """A client of a UNIX socket, which has no address, is greeted all the same."""
        answer = Site().greeted(host=None).say(b"EHLO x\r\n")
        self.assertEqual(self.extensions(answer), self.COMMON)

    def test_helo(self) -> None:
        """HELO is answered in one line."""
        self.assertEqual(Site().greeted().say(b"HELO x\r\n"), b"250 mail.example.com\r\n")

    def test_without_name(self) -> None:
        """EHLO and HELO need a name."""
        client = Site().greeted()
        for command in (b"EHLO\r\n", b"HELO \r\n"):
            self.assertEqual(client.say(command)[:9], b"501 5.5.4")


class Parameters(SynchronousTestCase):
    def client(self) -> WireClient:
        """One that has logged in."""
        return Site(settings=evolve(SETTINGS, max_message_size=1000)).logged_in()

    def draft_of(self, mail: bytes, rcpt: bytes = b"") -> Draft:
        """What intake gets of those parameters."""
        site = Site()
        client = site.logged_in()
        answer = client.say(b"MAIL FROM:<a@b.example>" + mail + b"\r\nRCPT TO:<c@d.example>" + rcpt + b"\r\nDATA\r\n")
        self.assertEqual(answer[:28], OK_SENDER + OK_RECIPIENT)
        client.say(b"x\r\n.\r\n")
        return site.intake.drafts[0]

    def test_known_on_mail(self) -> None:
        """Every parameter of ours is taken with MAIL, in any case of letters."""
        client = self.client()
        for parameters in (
            b"SIZE=1000",
            b"size=0",
            b"BODY=7BIT",
            b"body=8bitmime",
            b"SMTPUTF8",
            b"RET=FULL",
            b"RET=hdrs",
            b"ENVID=QQ314159",
            b"ENVID=" + b"x" * 100,
            b"AUTH=<>",
            b"AUTH=a+2Bb@c.example",
            b"AUTH=<a@b.example>".replace(b"<", b"").replace(b">", b""),
            b"SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a AUTH=<>",
        ):
            answer = client.say(b"MAIL FROM:<a@b.example> " + parameters + b"\r\nRSET\r\n")
            self.assertEqual(answer, OK_SENDER + b"250 2.0.0 Ok\r\n", parameters)

    def test_known_on_rcpt(self) -> None:
        """Every parameter of ours is taken with RCPT."""
        client = self.client()
        client.say(b"MAIL FROM:<a@b.example>\r\n")
        for parameters in (
            b"NOTIFY=NEVER",
            b"notify=success,FAILURE,Delay",
            b"ORCPT=rfc822;c+2Bx@d.example",
            b"ORCPT=rfc822;" + b"x" * 493,
            b"NOTIFY=FAILURE ORCPT=rfc822;c@d.example",
        ):
            self.assertEqual(client.say(b"RCPT TO:<c@d.example> " + parameters + b"\r\n"), OK_RECIPIENT, parameters)

    def test_wrong_on_mail(self) -> None:
        """What is wrong in a parameter of MAIL is 501 5.5.4, and no transaction begins."""
        for parameters in (
            b"SIZE=x",
            b"SIZE",
            b"SIZE=-1",
            b"SIZE=" + b"9" * 21,
            b"SIZE=1 SIZE=1",
            b"BODY",
            b"BODY=BINARYMIME",
            b"SMTPUTF8=yes",
            b"RET=BODY",
            b"RET",
            b"ENVID=a+0",
            b"ENVID=a+0Ab",
            b"ENVID=" + b"x" * 101,
            b"ENVID=+C3+A9",
            b"ENVID",
            b"AUTH=x y".replace(b" y", b""),
            b"AUTH=a+b@c.example",
            b"AUTH=" + b"x" * 501,
            b"AUTH",
        ):
            client = self.client()
            answer = client.say(b"MAIL FROM:<a@b.example> " + parameters + b"\r\nRCPT TO:<c@d.example>\r\n")
            self.assertEqual([line[:9] for line in answer.splitlines()], [b"501 5.5.4", b"503 5.5.1"], parameters)

    def test_wrong_on_rcpt(self) -> None:
        """What is wrong in a parameter of RCPT is 501 5.5.4."""
        client = self.client()
        client.say(b"MAIL FROM:<a@b.example>\r\n")
        for parameters in (
            b"NOTIFY",
            b"NOTIFY=NEVER,FAILURE",
            b"NOTIFY=OFTEN",
            b"NOTIFY=SUCCESS,",
            b"NOTIFY=SUCCESS,SUCCESS",
            b"ORCPT=c@d.example",
            b"ORCPT=rfc822;",
            b"ORCPT=;c@d.example",
            b"ORCPT=rfc822;a+0Db",
            b"ORCPT=rfc822;" + b"x" * 494,
            b"ORCPT",
        ):
            answer = client.say(b"RCPT TO:<c@d.example> " + parameters + b"\r\n")
            self.assertEqual(answer[:9], b"501 5.5.4", parameters)

    def test_unknown(self) -> None:
        """Unknown parameters, and those of the other command, are 555 5.5.4."""
        client = self.client()
        for parameter in (b"MT-PRIORITY=3", b"NOTIFY=NEVER", b"X"):
            self.assertEqual(client.say(b"MAIL FROM:<a@b.example> " + parameter + b"\r\n")[:9], b"555 5.5.4")
        client.say(b"MAIL FROM:<a@b.example>\r\n")
        for parameter in (b"SIZE=1", b"RET=FULL", b"X=y"):
            self.assertEqual(client.say(b"RCPT TO:<c@d.example> " + parameter + b"\r\n")[:9], b"555 5.5.4")

    def test_dsn_is_stored(self) -> None:
        """RET, ENVID, NOTIFY and ORCPT reach intake decoded; AUTH and BODY leave no trace."""
        draft = self.draft_of(
            b" RET=HDRS ENVID=a+2Bb AUTH=<> BODY=8BITMIME", b" NOTIFY=success,delay ORCPT=rfc822;x+2By@z.example"
        )
        self.assertEqual((draft.ret, draft.envid, draft.is_utf8), ("HDRS", "a+b", False))
        [recipient] = draft.recipients
        self.assertEqual((recipient.notify, recipient.orcpt), ({"SUCCESS", "DELAY"}, "rfc822;x+y@z.example"))

    def test_nothing_asked(self) -> None:
        """Without parameters nothing is asked for."""
        draft = self.draft_of(b"")
        self.assertEqual((draft.ret, draft.envid, draft.recipients[0].notify, draft.recipients[0].orcpt), (None,) * 4)

    def test_size_declared(self) -> None:
        """A message declared too large is 552 at MAIL, one of exactly the limit is not."""
        client = self.client()
        self.assertEqual(client.say(b"MAIL FROM:<a@b.example> SIZE=1001\r\n")[:9], b"552 5.3.4")
        self.assertEqual(client.say(b"MAIL FROM:<a@b.example> SIZE=1000\r\n"), OK_SENDER)

    def test_size_real(self) -> None:
        """A message of exactly the limit is taken, one octet more is 552 after the final dot, whatever was declared."""
        client = self.client()
        for size, code in ((1000, b"250 2.0.0"), (1001, b"552 5.3.4")):
            client.say(b"MAIL FROM:<a@b.example> SIZE=5\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
            self.assertEqual(client.say(b"x" * (size - 2)), b"")
            self.assertEqual(client.say(b"\r\n.\r\n")[:9], code)

    def test_utf8(self) -> None:
        """Addresses beyond ASCII need SMTPUTF8 with MAIL, and then work."""
        client = self.client()
        self.assertEqual(client.say("MAIL FROM:<é@b.example>\r\n".encode())[:9], b"553 5.6.7")
        client.say(b"MAIL FROM:<a@b.example>\r\n")
        self.assertEqual(client.say("RCPT TO:<é@b.example>\r\n".encode())[:9], b"553 5.6.7")
        client.say(b"RSET\r\n")
        answer = client.say("MAIL FROM:<é@b.example> SMTPUTF8\r\nRCPT TO:<ü@bücher.example>\r\n".encode())
        self.assertEqual(answer, OK_SENDER + OK_RECIPIENT)

    def test_bad_addresses(self) -> None:
        """What is no address is 553, of a sender 5.1.7, of a recipient 5.1.3."""
        client = self.client()
        self.assertEqual(client.say(b"MAIL FROM:<nobody>\r\n")[:9], b"553 5.1.7")
        client.say(b"MAIL FROM:<a@b.example>\r\n")
        for path in (b"nobody", b"a@", b"@b.example", b"a@b..c", b""):
            self.assertEqual(client.say(b"RCPT TO:<" + path + b">\r\n")[:9], b"553 5.1.3", path)


class Commands(SynchronousTestCase):
    def test_small_commands(self) -> None:
        """NOOP, RSET, VRFY, HELP and QUIT work, before EHLO too."""
        client = Site().greeted()
        self.assertEqual(client.say(b"NOOP anything\r\n"), b"250 2.0.0 Ok\r\n")
        self.assertEqual(client.say(b"rset\r\n"), b"250 2.0.0 Ok\r\n")
        self.assertEqual(client.say(b"VRFY somebody\r\n")[:9], b"252 2.5.2")
        self.assertEqual(client.say(b"HELP\r\n")[:9], b"214 2.0.0")
        self.assertEqual(client.say(b"QUIT\r\n"), b"221 2.0.0 Bye\r\n")
        self.assertTrue(client.is_closed)

    def test_nothing_after_quit(self) -> None:
        """What follows QUIT is not looked at."""
        client = Site().ready()
        self.assertEqual(client.say(b"QUIT\r\nNOOP\r\n"), b"221 2.0.0 Bye\r\n")
        self.assertEqual(client.say(b"NOOP\r\n"), b"")

    def test_nothing_is_kept_after_quit(self) -> None:
        """What is sent behind the last reply takes no memory."""
        client = Site().ready()
        client.say(b"QUIT\r\n" + b"x" * 100_000)
        for _ in range(10):
            client.say(b"x" * 100_000)
        self.assertFalse(client.protocol._session.is_full)

    def test_arguments(self) -> None:
        """Commands that take no argument are 501 with one, VRFY without one."""
        client = Site().ready(is_encrypted=False)
        for command in (b"RSET x", b"QUIT x", b"DATA x", b"STARTTLS x", b"VRFY"):
            self.assertEqual(client.say(command + b"\r\n")[:9], b"501 5.5.4", command)

    def test_unknown(self) -> None:
        """Other commands are 500."""
        client = Site().ready()
        for command in (b"EXPN x", b"TURN", b"BDAT 1 LAST", b"__init__", b"", b" NOOP"):
            self.assertEqual(client.say(command + b"\r\n")[:5], b"500 5", command)

    def test_order(self) -> None:
        """MAIL needs EHLO, RCPT and DATA need MAIL, DATA needs a recipient, MAIL is not nested."""
        client = Site().greeted()
        self.assertEqual(client.say(b"MAIL FROM:<>\r\n"), b"503 5.5.1 Send EHLO first\r\n")
        client.say(b"EHLO x\r\n")
        for command in (b"RCPT TO:<a@b.example>\r\n", b"DATA\r\n"):
            self.assertEqual(client.say(command), b"503 5.5.1 Send MAIL first\r\n")
        self.assertEqual(client.say(b"MAIL FROM:<>\r\n"), OK_SENDER)
        self.assertEqual(client.say(b"DATA\r\n"), b"503 5.5.1 No recipient was accepted\r\n")
        self.assertEqual(client.say(b"MAIL FROM:<>\r\n"), b"503 5.5.1 One sender per message\r\n")

    def test_reset(self) -> None:
        """RSET, EHLO and HELO end a transaction."""
        for command in (b"RSET\r\n", b"EHLO x\r\n", b"HELO x\r\n"):
            client = Site().logged_in()
            client.say(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n" + command)
            self.assertEqual(client.say(b"DATA\r\n"), b"503 5.5.1 Send MAIL first\r\n")

    def test_messages_follow_each_other(self) -> None:
        """After a message the next one begins with MAIL, in the same session and the same write."""
        site = Site()
        client = site.logged_in()
        envelope = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
        client.say(envelope)
        answer = client.say(b"one\r\n.\r\n" + envelope)
        self.assertTrue(answer.startswith(b"250 2.0.0 Ok: queued as "))
        self.assertTrue(answer.endswith(b"354 End data with <CR><LF>.<CR><LF>\r\n"))
        client.say(b"two\r\n.\r\n")
        self.assertEqual([draft.content for draft in site.intake.drafts], [b"one\r\n", b"two\r\n"])
        self.assertEqual(client.say(b"DATA\r\n"), b"503 5.5.1 Send MAIL first\r\n")

    def test_one_write(self) -> None:
        """The replies of one read leave in one write."""
        client = Site().logged_in()
        client.transport.writes.clear()
        client.say(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\nDATA\r\n")
        self.assertEqual(len(client.transport.writes), 1)

    def test_every_reply_carries_an_enhanced_status_code(self) -> None:
        """All that this session hears but the reply to EHLO carries an enhanced status code."""
        client = Site().ready()
        for command in (
            b"X",
            b"MAIL",
            b"RCPT",
            b"DATA",
            b"AUTH",
            b"NOOP",
            b"MAIL FROM:<>",
            b"RCPT TO:<a@b.c>",
            b"QUIT",
        ):
            self.assertRegex(client.say(command + b"\r\n"), rb"^[245]\d\d [245]\.\d\.\d+ \S")

    def test_nodelay(self) -> None:
        """Nagle's algorithm is off."""
        self.assertTrue(Site().connect().transport.is_nodelay)
