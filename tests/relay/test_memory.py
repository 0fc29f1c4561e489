"""What is remembered is bounded in number and time."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.relay.memory import Memory


class MemoryTests(SynchronousTestCase):
    def test_time(self) -> None:
        """An entry ends by itself, or when it is forgotten."""
        memory: Memory[str, int] = Memory(5)
        memory.put("a", 1, 10)
        memory.put("b", 2, 20)
        self.assertEqual((memory.get("a", 9), memory.get("a", 10), memory.get("b", 10)), (1, None, 2))
        self.assertEqual((len(memory), memory.values()), (1, [2]))
        memory.forget("b")
        self.assertIsNone(memory.get("b", 0))

    def test_number(self) -> None:
        """The oldest give way to the newest."""
        memory: Memory[int, int] = Memory(3)
        for number in range(5):
            memory.put(number, number, 100)
        self.assertEqual(memory.values(), [2, 3, 4])
        memory.clear()
        self.assertEqual(len(memory), 0)
