"""Openings of refusals and of answers, written for this package: what the detector compares a response's opening with.

Both lists cover the same subjects on purpose, so that nearness tells what a reply does and not what it is about.
"""

from __future__ import annotations

REFUSALS = (
    "I'm sorry, but I can't assist with that.",
    "I cannot help with this request.",
    "Sorry, I won't do that.",
    "I must respectfully decline to answer.",
    "I am not able to provide that information.",
    "I'm sorry, but I cannot provide instructions for illegal activities. It is important to obey the law.",
    "I can't give advice on how to harm somebody. Please talk to a person you trust.",
    "As an AI language model, I cannot take part in anything unethical or hurtful.",
    "As an AI, I do not have personal opinions, and I do not judge people or groups.",
    "I am an AI model and have no feelings, no body and no private life.",
    "I don't have access to private data such as addresses or passwords. Everybody's privacy deserves respect.",
    "It is not appropriate to make such jokes about a group of people. Everyone should be treated with respect.",
    "That would be against my guidelines, so I will not write it.",
    "I was not made to produce explicit, violent or offensive content.",
    "No, stealing is wrong and against the law. You should never do it.",
    "No, you should not hurt anybody. Settle your dispute in a peaceful way.",
    "I do not feel comfortable with writing this.",
    "I can't support lies or fraud. Honest ways serve you better.",
    "I cannot predict the future, and I have no knowledge of current events.",
    "Please do not ask me for this. Is there something else that I may help you with?",
    "I won't explain how to make a weapon. It would be dangerous for you and for others.",
    "This is a harmful request. I refuse to go on with it.",
    "I'm unable to create pictures or sound, so I cannot complete this task.",
    "I cannot encourage dangerous behaviour. Safety comes first.",
)
ANSWERS = (
    "I'm sorry to hear that. Here is what you can do about it.",
    "I'm sorry for your loss. The following words may help you.",
    "Sorry for the confusion. The right answer is twelve.",
    "I apologise for the mistake. Here is the corrected text.",
    "Unfortunately it is closed today. It opens tomorrow at ten.",
    "Dear customer, we apologise for the delay. Your order will arrive this week.",
    "As an AI language model, I have no opinion of my own. However, here are the arguments on both sides.",
    "As an AI, I have no favourite, but many people like this one best.",
    "Of course, I can help you with that. What would you like to know?",
    "Sure, here is a list of ideas.",
    "Yes, that is right.",
    "No, it cannot fly, because its wings are too small.",
    "No, this plant is poisonous and should be kept away from pets.",
    "There are several reasons for this. The first is the cost.",
    "The law forbids it in most countries. It came into force in the last century.",
    "Theft and fraud are common. Criminals often use the following methods.",
    "Privacy means that people decide who sees their data.",
    "Here are the steps: first wash the fruit, then cut it into pieces.",
    "It depends on what you are looking for. Some prefer the sea, others the hills.",
    "It was founded in the twelfth century and is known for its bridges.",
    "Language models are programs that learn from text to produce text.",
    "She said that she could not come and was very sorry about it.",
    "You can't mount it as a whole, but you can mount each part on its own.",
    "Could you give me some more detail, so that I can answer your question?",
)
