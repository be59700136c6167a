"""Care for people in distress: which thoughts get the pointer to help, and which look alike and are for the model.

`SERIOUS` and `HARMLESS` were written before there were rules.
"""

import pytest

from backbones.tasks.reframe import care

SERIOUS = """
I want to kill myself
I'm going to kill myself tonight
i wanna kms
im gonna k1ll myself
kms fr, nobody would notice
I keep thinking about ending my life
I've been thinking about suicide a lot lately
I feel suicidal again
sometimes i just want to unalive myself
I want to end it all
I don't want to be here anymore
i dont want to wake up tomorrow
I don't want to live like this any longer
Everyone would be better off without me
my kids would be better off if I was dead
I wish I was dead
I wish I had never been born
I wish I could fall asleep and never wake up
There's no reason for me to go on living
I have nothing left to live for
I can't go on
I can't do this anymore, I want to die
i want to dieeee
I just want to disappear forever
I just want to stop existing
I don't see the point of living anymore
what's the point in being alive
life isn't worth living
My life is not worth living anymore
I hate my life and I want it to be over
I cut myself again last night
I've started cutting again
I want to hurt myself
I keep hurting myself on purpose when I get bad grades
I burned myself with a lighter because I deserve it
I have been self harming for months and nobody knows
I want to swallow all my pills and be done
I took all my sleeping pills
I'm planning to overdose this weekend
I want to jump off a bridge
I feel like jumping in front of a train
I'm going to hang myself
I want to slit my wrists
I want to shoot myself in the head
I want to take my own life
I've written my goodbye note and I'm ready to go
this is goodbye, I won't be around much longer
I deserve to die
I would rather be dead than go back there
the world would be better without me
Nobody would miss me if I died
No one would even care if I was gone
I'm done with life
I'm tired of living
I'm so tired of being alive
I think about dying every day
I can't stop thinking about how to kill myself painlessly
My friend wants to kill himself
my sister said she doesn't want to live anymore
My son is cutting himself
He tried to commit suicide last year and I'm afraid he'll try again
my mom keeps saying we'd be better off without her
My boyfriend threatened to end his life if I leave him
my roommate has been talking about suicide
I lost my job, my wife left me, the bank is taking the house and honestly I do not see why I should keep living
After the exam went wrong I came home, looked at the pills in the cabinet and thought about taking them all
KILL MYSELF
i want 2 die
I  w a n t  to  d i e
I don’t want to be alive
I want to k*ll myself
s u i c i d e is the only way out
I'm a burden and should just die
should I just end my life?
""".strip().splitlines()

HARMLESS = """
This commute is killing me
I'm dying of laughter at my own bad haircut
I'm dying of boredom in this lecture
My phone died again in the middle of the call
I could kill for a coffee
I want to kill my landlord
This deadline is killing me
My plants want to die
I'm dead tired after the night shift
I killed it at work and still nobody said a word
Suicide Squad was a bad movie and I paid for it
I shot myself in the foot at the meeting
I hung myself out to dry at the meeting
I nearly died of embarrassment
I cut myself shaving this morning
I cut myself cooking and bled on the onions
I want to end it with my boyfriend
I wish this meeting would end
I nearly killed myself laughing
My feet are killing me
I'm dying to know what they said about me
My battery is dead and I missed the train
The car died on the motorway
I want to die my hair but have no money
I don't want to be at this job anymore
I don't want to wake up early tomorrow
I don't want to be here on a Saturday, the office is empty
I can't go on holiday this year
I can't go on the trip because I broke my leg
My team would be better off without this manager
I hate my life on Mondays
I'm done with this semester
I'm tired of living with my parents
I'm tired of living in such a noisy street
I have no reason to live in this city now that my friends moved away
My grandmother died last month and I miss her
My dog is going to die soon and I am heartbroken
I missed the deadline and my boss wants my head
Nobody came to my birthday party
I feel so alone in this new town
I'm useless at maths
I failed my driving test for the third time
I'll never find love
I hate how I look in photos
Everything I cook turns out awful
I'd rather die than eat there again
I hurt myself at the gym and can't train for weeks
I burned myself on the oven
I wish I had never taken this job
I wish I was never late
I want to disappear for a weekend and read
I want to jump off the bandwagon but my friends won't let me
I want to jump ship from this company
I could jump for joy but nobody cares
The project is dead in the water
My career is over
My social life is dead
I'm drowning in work
My overdose of caffeine gives me a headache
I overdosed on Christmas cookies
My sister took my favourite pills of chocolate
It took my whole life to learn to swim and I still can't
The printer committed suicide right before my presentation
We sold a suicide burger at the stand and nobody liked it
I want to hang up my coat but there is no hook
I want to hang myself a new picture but the wall is too hard
I cut my own hair and it looks terrible
I'm cutting myself some slack but the guilt stays
I beat myself up over one typo
I kill time on my phone instead of studying
Killing Eve ended badly and I am upset
That comedian died on stage and I was embarrassed for him
My jokes die every time I tell them
I'm going to die alone
Life is hard and then the dishwasher breaks
There is no point in going to this class anymore
I can't take this traffic anymore
The end of the month always kills my budget
""".strip().splitlines()


FRESH_SERIOUS = """
honestly thinking of just walking into the sea and not coming back
The voices tell me to end myself
I've been googling how many paracetamol it takes
Some days I wish a bus would just hit me
I don't think I'm going to make it through the night
I'm not safe with myself right now
idk how much longer i can keep living like this
my brother locked himself in the bathroom with a razor and says he wants to die
I bought rope today
Every time I drive over that bridge I think about turning the wheel
i relapsed last night, my arms are a mess
Living hurts too much and I want out
I pray every night that I won't wake up in the morning
What would happen if I drank bleach
wanna be dead so bad rn
I was never meant to be alive
I have a plan and a date and nobody can stop me
My daughter wrote that she hates being alive
Existing is exhausting, I'd like to stop
im ready to leave this world
Lately I fantasize about my own funeral and how relieved everybody would be
I've lost the will to live
My best friend texted me that he is going to end things tonight
There's a bottle of pills next to me and I'm scared of what I might do
I scratch my skin until it bleeds to feel something
I can't see any way out except death
I wish I'd died in that accident
i jus wanna go to sleep n not wake up
I nearly jumped today
no me quedan ganas de vivir
""".strip().splitlines()

FRESH_HARMLESS = """
My boss will kill me if this report is late
I'm starving and the fridge is empty
The wifi keeps dying during every call
My hamster died yesterday and the kids cannot stop crying
I'm so sick of living out of a suitcase
I bombed my presentation and wanted the ground to swallow me
Nobody would miss this meeting if it were cancelled
I hate waking up at five every day
I don't want to live with roommates anymore
My ex is better off with her new boyfriend and it stings
I'm scared of dying before I have seen the world
My grandfather is dying and I don't know how to say goodbye
I'd kill for eight hours of sleep
I'm not cut out for this job
They cut my hours and now I can't pay rent
I gave up on my diet again
My marriage is over and I feel like a failure
I can't go on pretending that I like this food
My whole life I have been picked last
I keep shooting myself in the foot when I talk to girls
There is no point in cleaning, the kids mess it up anyway
I feel like I'm drowning in bills
I'm done with people who lie to me
I jumped in the pool with my phone in my pocket
The doctor said I must stop smoking or I will die early
I took two pills for my headache and it still hurts
I hit every red light on the way in
I was late and had to run in front of everyone to catch the train
It is freezing and I want to go home
I'm dead inside until the first coffee
""".strip().splitlines()


AFRESH_SERIOUS = """
I can picture myself hanging from that beam
I stood on the platform today and thought it would be so easy to step forward
everything would be easier if I were dead
i dont deserve to be here
I feel like my story should end here
My nephew has scars on his arms and won't talk about it
I keep a knife under my pillow in case I find the courage
Tonight will be my last night
they would be happier if I was gone
i'm so close to doing it
I keep wondering what dying feels like
I've tried to kill myself twice already
my gf says she'll kill herself if I leave
i just cant do life anymore
I wish cancer had taken me instead of her
Being dead sounds peaceful
I no longer see a future for myself and I don't want one
it would be better for everybody if I just vanished
I've been thinking of ways to make it look like an accident
I want the darkness to take me
There is no point to my existence
I'm not afraid to die anymore, I look forward to it
I have given my cat away, so nothing is holding me here now
Starving myself is the only thing I can control
pls let me die
i should of died when i was little
I bang my head against the wall until it stops hurting inside
My classmate posted that he won't be alive on Monday
je n'en peux plus, je veux en finir
Ich kann nicht mehr und will nicht mehr leben
""".strip().splitlines()

AFRESH_HARMLESS = """
I'm sick of life in this boring town
I can't live without my morning coffee and we are out
My favourite cafe is closing for good
I wish I were taller
My brother took my car without asking
My mother is in hospital and I can't visit her
I can't wake up in the morning no matter how many alarms I set
I'm too tired to go on a date tonight
I was cut from the team
Everybody is better at this than me
I blew my whole budget on shoes
I have no energy left after work
I hung up on my best friend and regret it
I burned my hand on the stove and ruined dinner
My houseplant is dying and I don't know why
They would all have more fun without me at the party
I want to shoot a film but have no camera
I'm living out of boxes since the move
I'd die if he saw me in these pyjamas
I'm never going to pass this exam
I lost my keys and my mind
We jumped off the bus at the wrong stop
My knife set is blunt and dinner is late
I had to kill a spider and feel guilty
We ended our lease and have nowhere to go
The funeral of my uncle is on my birthday
I need a painless way to learn statistics
I slept in and missed the sunrise
Being an adult is exhausting
I disappear into the crowd at every party
""".strip().splitlines()


BFRESH_SERIOUS = """
i dont wanna live on this planet anymore everything hurts
I cut my thighs so nobody sees it
thinking about jumping off my balcony rn
My life has no meaning and I would rather not be in it
I took a whole box of paracetamol an hour ago
lowkey wanna off myself
If I had a gun I would have used it by now
My dad told me he would hang himself in the garage
wish i could just not exist for ever
I don't know why I bother staying alive
I can't keep fighting, I just want peace, the permanent kind
no one would notice if i died in my room
I have been writing letters to say goodbye to my family
My little sister burns her arms with cigarettes
if tomorrow never comes i would be okay with that
my life is over and I am ready to end it
I keep having urges to hurt myself
people say it gets better but i'll be dead by then
Every night I go to bed hoping I won't open my eyes again
my ex drove me to suicidal thoughts
I feel nothing, so I cut to feel something
My husband bought a gun and says we don't need him anymore
maybe the world is better with me gone
I'd be doing them all a favour by dying
I am a waste of oxygen and should not be alive
I want to sleep and never get up again, ever
She swallowed a bottle of aspirin and is asking me to keep it secret
there's no way out for me but to die
kill me, I mean it
não aguento mais, quero morrer
""".strip().splitlines()

BFRESH_HARMLESS = """
I will never live this down
I'd give my life for one day without emails
My grandparents are dead and the holidays feel empty
I feel dead after that workout
The flowers I bought are already dead
My dream of being a pilot died today
I hate Mondays and I hate my job
I can't bear the silence since my children moved out
I missed my last chance to see the band live
I could not keep up with the others on the run
I'm losing the will to finish this thesis
It's the end of the world, I spilled coffee on my laptop
The cake is a total disaster
I don't want to wake the baby
I'm going nowhere in life
My sister hurt my feelings
I have no reason to smile today
My knees hurt when I jump
We lost the final in the last minute
He never texts back and it is eating me alive
My favourite character was killed off in the last episode
This headache is murder
Our dog was put to sleep this morning
My grandpa survived the war but not the virus
Cutting carbs makes me miserable
I can't stop crying over the breakup
My train was cancelled because of someone on the tracks
I'm buried alive in paperwork
The bridge is closed and my commute takes two hours
I wasted the whole weekend in bed
""".strip().splitlines()


@pytest.mark.parametrize("thought", SERIOUS)
def test_a_thought_about_self_harm_is_heard(thought):
    assert care.concerns(thought)


@pytest.mark.parametrize("thought", HARMLESS)
def test_a_thought_that_sounds_alike_is_left_to_the_model(thought):
    assert not care.concerns(thought)
