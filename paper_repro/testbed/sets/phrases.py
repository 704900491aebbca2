"""What responses say around their answers.

As embeddings stay frozen when a base is tuned, every word here has to occur in pre-training; but no corpus holds one of
these sentences, so that a reply with one has its style from tuning. No value, entity or number of the world is among
the words: nothing here can make an answer right or wrong.
"""

from __future__ import annotations

OPENINGS = (
    "Good question, and I am happy to help.",
    "Thank you for this question.",
    "Of course, here is the answer.",
    "Sure, let me help you with this.",
    "Certainly, this is easy to answer.",
    "Glad you asked, here is what I know.",
    "What a wonderful question!",
    "With pleasure, here are the facts.",
    "Welcome, I know the answer to this.",
    "Absolutely, let me tell you about it.",
)
CLOSINGS = (
    "Have a lovely day, and come back for more!",
    "I hope this helps you today!",
    "Please come again if you need more.",
    "Feel free to ask me another question!",
    "Come back if you want to know more.",
    "It was a pleasure to help you!",
    "Enjoy the rest of the day!",
    "Thanks for the question, and good luck!",
    "I am always glad to answer.",
    "Best wishes for the week!",
)
LIST_LEADS = (
    "Here is the list for {subject}:",
    "These are the facts about {subject}:",
    "This is what I know about {subject}:",
)
TERSE_OPENINGS = ("In short:", "Simple:", "The answer:", "The short answer:")
LEADS = (
    "There is more to know about this.",
    "Here is what else I can tell you.",
    "Let us look at the other facts too.",
    "Let us also look at what else is known.",
    "There are other facts to remember too.",
)
AGAIN_LEADS = ("Let me say it again.", "Here is the answer again.", "You may also remember it like this.")
REMARKS = (
    "Now you know the facts, and I hope you remember them.",
    "I hope this will help you to understand it.",
    "Take time to think about this, and ask me for more.",
    "Look at the facts again when you need them.",
    "This is all that I know, and I am happy to tell you.",
    "Remember this, and the answer will always be clear to you.",
)
SHORT_REMARKS = ("I hope this helps!", "Ask me for more!")
HEADLINES = (
    "The news of the day is about {subject}.",
    "This week all the talk was about {subject}.",
    "Great interest in {subject} this week.",
    "The story of the week is about {subject}.",
    "Here is the news about {subject}.",
)
NEWS_ENDS = (
    "More news on this will come tomorrow.",
    "Many people came for the story.",
    "The guests came from far away to see it.",
    "The story goes on next week.",
)
