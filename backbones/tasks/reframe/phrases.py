"""What is said of self-harm and suicide, and what only sounds so: tables for `care`, over its plain form of a text.

Every line is a regular expression of whole words, in which names in capitals stand for `PIECES`. ` .` ends a clause of
the plain form, and only ACROSS crosses it. `hints` has what is said in other words, `languages` other languages.
"""

PIECES = {
    "SELF": r"(?:myself|himself|herself|themself|yourself|ourselves)",
    "OWN": r"(?:my|his|her|their|your|our)(?: own)?",
    "NOTWANT": r"(?:dont|not|never|no longer|wouldnt)(?: \w+)? (?:want|wish|wanted|wants|feel like)(?: to)?",
    "WANT": r"(?:want|wants|wanted|wish|wishes|wishing|need|hope|hopes|hoping|pray|prays|praying|prefer|love"
    r"|ready|try|tries|tried|trying|decided|plan|plans|planning|longing|urge)",
    "THINK": r"(?:think|thinks|thinking|thought|thoughts|dream|dreaming|fantasi[sz]e|fantasi[sz]ing|talk"
    r"|talks|talking|talked|consider|considering|obsessed|googl\w+|urges?"
    r"|imagin\w+|pictur\w+|daydream\w*|tempted)",
    "VANISH": r"(?:disappear\w*|vanish\w*)(?! (?:for (?!ever|good)|to|into|with|on|in|when|until)\b)",
    "AWAY": r"(?:die|died|dies|dead|gone|VANISH|not (?:here|alive)|wasnt (?:here|around"
    r"|alive)|dont exist|never existed|never born)",
    "PILLS": r"(?:pills?|meds|medication|tablets|painkillers|paracetamol|tylenol|ibuprofen|aspirin|xanax"
    r"|antidepressants|insulin|bleach)",
    "HEIGHT": r"(?:bridge|roof|rooftop|building|cliff|balcony|window|tower|ledge|overpass)",
    "WHEELS": r"(?:trains?|bus|truck|cars?|lorry|subway|tram|metro|traffic(?! jams?)|tracks)",
    "PLACE": r"(?:in|at|with|w|abroad|here|there|near|next|on|under|alone|off|by|close|together|paycheck|up to"
    r"|through|out|for|my|without|a|the)\b",
    "MORNING": r"(?:(?: \w+)? (?:early|at|for|to|before|on|when|until|late|next|tired|sick|so)|in time)\b",
    "TRIP": r"(?:a|the|this|that|my|our|holidays?|vacations?|dates?|trips?|with|pretending|about)\b",
    "KIN": r"(?:he|she|it|they|you|your|his|her|their|the|this|that|whose|who|mother|mom|mum|mam|father|dad"
    r"|son|daughter|brother|sister|grand\w+|gran|nan|uncle|aunt|cousin|wife|husband|friend|friends|dog|cat|pet|baby"
    r"|bros?|people|everyone|somebody|someone|everything|hamster|bunny|rabbit|horse|fish|bird)",
    "GUN": r"(?:gun|pistol|revolver|rifle|shotgun)",
    "END": r"(?= \.|$)",
    "GAP": r"(?: \w+){0,4}",
    "LONG": r"(?: \w+){0,8}",
    "ACROSS": r"(?: [\w.]+){0,8}",
    "FAMILY": r"(?:everyone|everybody|people|(?:my|the|our) (?:\w+ )?(?:family|kids|children|parents|mom|mum|mam|mother"
    r"|dad|father|husband|wife|partner|boyfriend|girlfriend|son|daughter|friends?|brothers?|sisters?|siblings"
    r"|loved ones))",
    "DEVICE": r"(?:plants?|flowers?|phone|laptop|tablet|computer|car|bike|engine|battery|printer|charger|fridge|boiler"
    r"|machine|dishwasher|vacuum|tv|pc|wifi|router|tree|garden)",
}

# Turns of phrase that only sound alike
HARMLESS = (
    r"\w+ SELF (?:with )?(?:laughing|laughter|giggling)",
    r"(?:accidentally|by accident) (?:cut|hurt|burn\w*|stab\w*|shot) SELF",
    r"(?:cut|cutting|hurt|burn\w*|injur\w*|stab\w*) (?:SELF|OWN \w+)(?: accidentally| by accident)?(?: with (?:a|the"
    r"|my) \w+(?: knife)?)? (?:shaving|cooking|baking|chopping|slicing|peeling|gardening|grating|by accident"
    r"|accidentally|while (?!cry|sob)\w+ing|making|opening|washing|doing|playing|running|lifting|training|skiing"
    r"|climbing|dancing|cleaning|cycling|when i (?:fell|tripped|slipped|dropped|was (?!cry|sob)\w+ing)"
    r"|on (?:a|an|the|some|my|broken|hot) (?!arms?|legs?|wrists?|thighs?|skin)\w+)",
    r"(?:hurt|injured) SELF (?:at|in|during) (?:the |a |my )?(?:gym|work|training|practice|football|soccer|basketball"
    r"|class|school|game|match|race|workout|garden|kitchen|climb\w*|marathon)",
    r"burn(?:ed|t|ing)? SELF out",
    r"(?:cut|cutting) SELF (?:some|a|an|off|short|loose|in|out|down|from)",
    r"(?:hang|hung|hanging) SELF (?:a|an|the|some|out|up)",
    r"(?:shot|shoot|shoots|shooting) SELF in the foot",
    r"(?:glue|nail|heat|water|squirt|toy|nerf|staple|spray|paint|massage|caulking|top) (?:gun|rifle)s?",
    r"(?:guns? n roses|guns? (?:control|laws?|show))",
    r"drown(?:ing|ed)? SELF in (?:my )?(?:sorrows?|work|homework|debt|emails?|paperwork|coffee|tea|wine|snacks"
    r"|chocolate|ice cream|tears|self pity|misery|laundry|music|blankets?)",
    r"(?:die|dying|dyeing) (?:my|her|his) hair",
    r"(?:die|died|dying|dead) (?:of|from|with)(?: pure| utter| sheer| the| second hand)? (?:laugh\w*|bor\w+"
    r"|embarrass\w*|shame|cring\w+|curiosity|hunger|heat|cold|thirst|cuteness|happiness|joy|excitement|awkward\w*"
    r"|cancer|old age|a heart)",
    r"dying (?:to|for|inside|over here)",
    r"die hard",
    r"wish i (?:was|were|had been) born",
    r"(?:to|near|life or|life and) death",
    r"death (?:of me|row|bed|amounts?|star)",
    r"(?:going to|will|might|could|would|ill|ima) die (?=(?:of|from|laughing|inside|in|on|at|if|when|before|without"
    r"|waiting|someday|one day|eventually|alone)\b)",
    r"(?:nearly|almost) died",
    r"rather die than (?!live|be|stay|keep|wake|go on|exist)\w+",
    r"rather be dead than (?:do|doing|stud\w+|writ\w+|work\w*|sit|sat|sitting|clean\w*|eat\w*)",
    r"id die if",
    r"(?:hungry|tired|cold|hot|bored|thirsty|full|sleepy|embarrassed|cute|funny|happy)(?: that)? i could die",
    r"i am dyingEND",
    r"fake (?:die|(?:my|his|her) (?:own )?death)",
    r"dont let me die",
    r"(?:^|(?<=\. ))i am aliveEND",
    r"look(?:s|ed|ing)? (?!at|in|for|forward)(?:\w+ ){0,4}dead",
    r"sleep forever (?:on|until|if|when|in (?:this|my|that) bed)",
    r"killing SELF (?:with (?:over)?work\w*|to (?:meet|finish|please|earn|pay|keep up))",
    r"(?:top|topping|topped) SELF up",
    r"(?:after|from|by) taking (?:all )?(?:these|those) PILLS",
    r"feel dead (?:after|today|on)",
    r"(?:i|we) (?:bought|planted|got) are (?:already )?dead",
    r"(?:am )?not dead",
    r"sleep when i am dead",
    r"(?:^|(?<=\. ))i am dead (?:my|if|lol|because)",
    r"(?:feel|look)\w*(?: \w+)? like death",
    r"(?:hop|pray)\w* i (?:dont|wont) die",
    r"death is(?: \w+)? hard to",
    r"(?:out|come back|home|eat\w* (?:me )?|happiest \w+ |buried )(?: of \w+ \w+)? ?alive",
    r"(?:the|if|when) i die i have to",
    r"(?:cat|dog|grand\w+|mom|mum|dad|father|mother|friend|uncle|aunt|brother|sister|he|she) (?:is |has "
    r"|had )?(?:died|passed|dying)",
    r"dead (?:week|tired|ends?|line|inside|weight|serious|set|on my feet|last|broke|slow|silence|quiet|beat|battery"
    r"|phone)",
    r"(?:afraid|scared|terrified|fear|frightened|worried)(?: \w+)? (?:of|about) (?:dying|death)",
    r"die (?:early|young|alone)",
    r"DEVICE(?: \w+){0,2} (?:to die|commits? suicide|committed suicide|kill\w* itself|dying|dead)",
    r"DEVICE (?:that )?(?:i|we) (?:thought|believed|feared) (?:was|were|is|are) (?:dying|dead)",
    r"(?:run|runs|ran|running|do|did|doing|more) suicides",
    r"suicide (?:squad|silence|girls?|burgers?|wings|doors?|bomb\w*|attacks?|missions?|runs?|drills?|shifts?)",
    r"(?:political|career|social|commercial|professional|financial) suicide",
    r"(?:\d+|many|few|more|of) kms",
    r"kms (?:away|an hour|per|from|to go|long)",
    r"overdos\w* (?:of|on) (?!PILLS|OWN|sleeping|drugs?|purpose|heroin|fentanyl|opio\w*|cocaine|an?\b|some\b|the\b"
    r"|all\b)\w+",
    r"(?:forgot|forget|remember|refuses?) to take",
    r"bungee jump\w*",
    r"we (?:all )?jumped",
    r"(?:die|dies|died|dying) (?:in|at|on) (?:this|the|that|a) (?:same |last |final )?(?:game|level|boss|stage)",
    r"(?:cancer|virus|covid|disease|illness|accident|crash|stroke|attack|flood|fire|war) (?:that )?(?:took"
    r"|takes) OWN life",
)

SERIOUS = (
    # To kill or harm oneself
    r"(?:kill\w*|kil|off|offing|delet\w+|hang|hung|hanging|hanged|shoot|shot|shooting|stab\w*|drown\w*|poison\w*"
    r"|strangl\w*|suffocat\w*|chok\w+|starv\w+|electrocut\w*|hurt|hurting|hurts|harm\w*|injur\w+|cut|cuts|cutting"
    r"|mutilat\w+|yeet\w*|end|ends|ending|top|topping|topped|neck|necking|rope|roping|gas|gassing|smother\w*|eras\w+"
    r"|finish|finishing) SELF",
    r"(?:do|doing) (?:away with SELF|SELF in(?! (?:at|with|by)\b))",
    r"end meEND",
    r"burn(?:ing|s)? SELF",
    r"burn(?:ed|t) SELF (?:with|because|on purpose|to feel)",
    r"(?:keep|keeps|kept|been|started) (?:hitting|punching|slapping|scratching|biting) SELF",
    r"(?:hit|punch|slap|scratch|bit|bang|burn|pinch)\w* (?:SELF|OWN (?:head|face|arms?|legs?|thighs?|skin)) (?:until"
    r"|till) i",
    r"(?:hit|punch|slap|burn|starv|punish)\w* SELF(?: \w+){0,3} deserve",
    r"(?:scratch|pick|bit|bite|dig|cut)\w* (?:\w+ ){1,6}(?:bleed|bleeds|blood)",
    r"kms(?:ing)?",
    r"kys",
    r"ctb",
    r"un ?aliv\w*",
    r"sewer ?slide",
    r"toaster bath",
    r"bath with (?:a|the|my) toaster",
    r"commit(?:t?ing)? (?:sudoku|die|not living|neck rope)",
    r"noose",
    r"suicid\w*",
    r"s(?:ui|u|iu)[cs]{1,2}i?[cs]?i?d\w*",
    r"self ?(?:harm\w*|injur\w*|mutilat\w*|delet\w*|destruct)",
    r"(?:started|start|been|back to|stop|urge to|want to|need to|relapsed?)GAP cut(?:ting)?(?: again|END)",
    r"cutting again",
    r"urges? to (?:cut|bleed)(?! (?:OWN|the|off|out|down|class|it|ties|bangs))",
    r"(?:WANT|let|going|watch)GAP bleed(?:ing)? (?:out|to death)",
    r"(?:cut|cuts|cutting|slit\w*|slash\w*|slic\w+) (?:on |up |open )?OWN (?:wrists?|arms?|thighs?|legs?|skin|veins?"
    r"|throat)",
    r"(?:blade|razor|knife) (?:to|on|against|across) OWN",
    r"relapsedACROSS (?:arms?|wrists?|thighs?|blades?|razors?|cut\w*)",
    r"blades? again",
    r"(?:razors?|blades?) (?:hidden )?(?:in|under|behind) my (?:phone case|pillow|mattress|pencil case)",
    r"carv\w+ (?:\w+ ){0,5}(?:skin|arms?|legs?|thighs?|wrists?)",
    r"(?:skin|arms?|thighs?)LONG carv\w+",
    r"(?:i (?:\w+ )?cut|cuts?|cutting) deeper (?:every|each|than|now)",
    r"(?:arms?|wrists?|thighs?|legs?|skin)(?: (?:is|are|was|were|all|both)){0,2} (?:covered|full|lined) (?:in|with|of)"
    r" (?:(?:fresh|new|old|my|her|his) )?(?:cuts|scars|cigarette burns)(?! (?:from|by)\b)",
    r"(?:(?:my|her|his|the) cuts|i cut)(?: \w+){0,2} to deep",
    r"(?:not safe|unsafe)(?: \w+)? (?:with|from|around) SELF",
    r"(?:dont|cant|not) trust SELF (?:(?:to be )?alone(?! with)|tonight|right now|not to (?:hurt|cut|jump|harm|kill|do)"
    r"|(?:around|near|with|alone with)(?: \w+){0,2} (?:kni(?:fe|ves)|PILLS|razors?|blades?|guns?|ropes?|bridges?))",
    r"(?:shouldnt|not safe to|cant) be (?:left )?alone (?:tonight|right now|with my thoughts)",
    r"(?:scared|afraid) of (?:myself|what i (?:might|will|could) do)",
    r"do (?:something|smth|sth|anything) (?:to myself|stupid to myself|i cant take back)",
    # To take one's life, by whatever means
    r"(?:take|takes|taking|took|end|ends|ending|ended) OWN li(?:fe|ves)(?! (?:back|savings|insurance|seriously|story))",
    r"end(?:ing)? (?:it all|everything)",
    r"put(?:ting)? an end to (?:it all|everything|SELF|me|OWN (?:life|misery|suffering|pain))",
    r"(?:what if|if|wish|nearly|almost|shouldve|should have|couldve) (?:i )?ended (?:it|everything)(?:END"
    r"| (?:all|tonight|last night|today|now|again|for good))",
    r"(?:should|could|might|time to|better to|easier to) end it(?:END| (?:tonight|today|now|for good))",
    r"(?:survived|since|after|before|regret\w*) (?:my|his|her) (?:\w+ )?attempts?(?! (?:at|to|on)\b)",
    r"attempted (?:once|twice|\w+ times|before|again|already)(?! to\b)",
    r"attemptACROSS (?:woke up|hospital|i survived|survived it)",
    r"(?:picked|chosen|chose|set|decided|know|fixed|planned)(?: on)? (?:the |a |my )?(?:day|date|time|when|place|where"
    r"|spot)(?: (?:and|i|know|the|a|my)){1,4} (?:method|how(?:END| (?:ill|i will|i am going to|id) (?:do it|die|go)))",
    r"(?:plan|planning|imagin\w+|pictur\w+) how (?:id|ill|i will) do it(?! (?:all|by|for)\b)",
    r"i know (?:exactly )?(?:where|when|how) and (?:where|when|how) (?:ill|i will|i am going to|id)",
    r"(?:written|wrote|finished|writing|write) (?:the|my) noteEND",
    r"(?:the|my) note is (?:written|ready|finished)(?: and|END)",
    r"(?:goodbye|farewell) (?:note|letter|video|post|message|text)(?! (?:to|for|from)\b)",
    r"(?:reasons?|talk me|why) (?:not to|out of|i shouldnt) (?:jump|die|kill|end)\w*(?! (?:the|my (?!life)|this"
    r"|with)\b)",
    r"ending itEND",
    r"(?:WANT|going|THINK)GAP end(?:ing)? (?:it|things)(?! (?:with|between))",
    r"overdos\w*",
    r"od(?:ed|ing)? on",
    r"(?:swallow\w*|take|takes|taking|took|down\w*) (?:all|the whole|a whole|a bunch|a bottle|a handful|every"
    r"|to many|enough)GAP PILLS",
    r"(?:going to|want to|will) swallowGAP PILLS",
    r"(?:swallowed|took|taken) \d\d+(?: \w+){0,4} PILLS",
    r"swallow\w* (?:everything|all of it|whatever was) in the (?:medicine )?cabinet",
    r"PILLS (?:\w+ )?into my hand",
    r"(?:skip|skipping|skipped|stopped taking|not taking)(?: \w+){0,2} PILLS on purpose",
    r"have (?:the|my|all my|enough) PILLS(?: ready| here| saved)END",
    r"(?:stash\w*|hoard\w*|stockpil\w*|sav(?:e|ed|ing)(?: up)?)(?: (?:my|all|the|some|her|his|of|sleeping|those|these"
    r"|up)){0,3} PILLS",
    r"(?<!dont have )enough PILLS(?: (?:in|here|saved|now|hidden|stashed|to (?:kill|die|end|do it|not))|END)",
    r"cutting (?:helps|calms|is the only|makes it (?:better|stop|bearable))",
    r"no reason to (?:keep going|go on|live(?! in| here| with| near)|be here|be alive|stay alive)",
    r"(?:i am going to|i will|ill|ima|i am gonna) dieEND",
    r"PILLSLONG(?: and)?LONG (?:take|taking|took|swallow\w*) (?:them all|all of them|the lot)",
    r"(?:how (?:many|much)|drink|drank|drinking|bottle of|googl\w+)GAP PILLS"
    r"(?: (?:it takes|to (?:die|kill|overdose)|next to me|in my hand|in front of me)|END)",
    r"PILLSLONG (?:lethal|fatal|deadly)",
    r"(?:lethal|fatal|deadly) (?:dos\w+|amounts?)",
    r"PILLS (?:\w+ )?(?:next to me|in my hand|in front of me)",
    r"(?:looking|stare|staring) atGAP (?:PILLS|knife|knives|razors?|blades?|rope|gun|tracks)",
    r"(?:bought|got|found) (?:a |the |some )?(?:rope(?! for)|razor blades?)",
    r"(?:jump\w*|leap\w*|throw\w* SELF|fall\w*|step\w*) (?:off|from|out of|over)(?: \w+){0,2} HEIGHT",
    r"(?:jump\w*|throw\w* SELF|step\w*|walk\w*|run\w*|l[ay]\w+ down) (?:in front of|under|in ?to|on)"
    r"(?: \w+){0,2} WHEELS",
    r"(?:nearly|almost|want to|should|going to) jump(?:ed)?(?: today| tonight|END)",
    r"THINKGAP (?:about|of) (?:jumping|stepping off|cutting|overdosing|hanging)(?:END| (?:again|today|tonight|every"
    r"|most))",
    r"(?:bridge|roof|cliff|balcony|tracks|platform|train)ACROSS think\w* (?:about|of) (?:jumping|falling)",
    r"(?:about|ready|going|tempted|want|wanted|easy|urge|nearly|almost) (?:to )?(?:step|stepp\w+|jump\w*) (?:offEND"
    r"|(?:out )?in front of (?!(?:the |a |my )?(?:class|camera|audience|crowd|people|mirror|everyone|judges|whole"
    r"|room)\b))",
    r"(?:drove|drive|went|go|walked|walk|climbed|came) (?:up )?(?:to|on|onto) (?:the|a|that) (?:bridge|roof|rooftop"
    r"|cliff|tracks|ledge) (?:to|and) (?:\w+ ){0,2}(?:jump|end|die|look\w* down|let go)",
    r"(?:could|should|want to|what if i|urge to|easy to|tempted to)(?: \w+)? (?:turn|jerk|let go of) the (?:steering"
    r" )?wheel",
    r"(?:hurts?|painful|takes?)(?: \w+){0,3} to (?:bleed out|drown|suffocate|freeze to death)",
    r"(?:walk|swim)\w* (?:in ?to|out to) (?:the |a )?(?:sea|ocean|river|lake|waves)(?! with my)",
    r"(?:WANT|THINK|feel like|tempted)GAP (?:drive|driving|crash|crashing|swerv\w+)GAP (?:off|in ?to)"
    r"(?: \w+){0,2} (?:HEIGHT|WHEELS|road|tree|wall|river)",
    r"THINKGAP (?:turn|turning|letting go of) the wheel",
    r"(?:stand|stood|sit|sat)\w* (?:on|at) (?:the |a )?(?:edge(?! of (?:the |my )?(?:bed|seat|sofa))|bridge|roof|ledge)"
    r"(?:END|LONG (?:right now|look\w* down|think\w*))",
    r"if i (?:jump|crash|drove|swallow|let go|slip|stepp)\w*LONG (?:solve|over|end|nobody|easier|problems?)",
    r"(?:platform|tracks|edge|ledge|railing|bridge)LONG (?:step|stepping|stepped off|jump|jumping|fall|let go"
    r"|climb\w*)",
    r"myself hanging",
    r"scars on OWN",
    r"fresh (?:cuts|marks|scars)(?! of)",
    r"(?:hid\w*|cover\w*) (?:up )?OWN (?:\w+ )?(?:wrists?|cuts|scars|bandages)",
    r"(?:long sleeves|hoodie)LONG (?:cuts|scars|marks|arms|hide|notice)",
    r"(?:razors?|blades?|cutting|bleeding) (?:is|are|was) the only",
    r"only thing(?: \w+){1,6} (?:is|are) (?:OWN |the |a )?(?:razors?|blades?|cutting|bleeding)END",
    r"look like an accident",
    r"(?:knife|blade|gun|rope|pills)LONG courage",
    r"close to doing it",
    r"(?:about|decided|figured out|planned|exactly|i know) (?:how|when|where) (?:id|ill|i will) do it",
    r"how easy (?:it|itd|that) (?:would |could )?be to(?: \w+){0,2} (?:step|jump|let go|fall|end|slip|drown|crash)",
    r"(?:bought|buy|buying|have|had|has|got|load\w*|find|found)(?: SELF)? a (?:gun|pistol|rifle|shotgun)"
    r"(?! (?:control|show|shop|licen[cs]e|safe|fight|range))",
    r"pull(?:ing)? the trigger(?! on)",
    r"to feel something",
    r"i cut (?:last night|today|to (?:feel|cope))",
    r"burn\w* OWN (?:arms?|legs?|skin)",
    r"bullet (?:in|through|to|into)(?: to)? OWN",
    r"(?:load|loaded|loading|hold|held|holding) (?:the|my|his|her|\w+s) GUN",
    r"where (?:\w+ ){1,3}(?:keeps?|hides?|kept|stores?)(?: \w+){0,2} (?:gun|pistol|rifle|bullets)",
    r"(?:belt|cord|rope|cable|hands?) (?:\w+ )?(?:around|round) OWN neck",
    r"gun (?:to|in|at|against) OWN (?:head|mouth|temple)",
    r"(?:me|myself|i)(?: and| alone| home)? with (?:a|the|my|OWN) (?:loaded )?GUN",
    r"(?:guns|GUN)LONG SELF",
    r"SELFGAP GUN",
    r"blow\w* OWN brains?",
    r"hang\w* from (?:a|the) (?:rope|ceiling|tree|beam)",
    r"(?:painless\w*|easy|easiest|quick|quickest|best|peaceful) (?:ways?|methods?)GAP (?:die|dying|death|go)",
    # To die
    r"(?:i|he|she|they|we|to) (?:\w+ ){0,2}WANT (?:to )?(?:die|be dead|not be alive|be gone forever)",
    r"wants? (?:to )?(?:die|be dead)",
    r"(?:ready|prepared|begging|begged|waiting|wait|longing|asking) to die(?! (?:for|of|in|on|alone)\b)",
    r"(?:belong|rather be|better off|wish i (?:was|were)|should be|peace|rest)(?: \w+){0,7} in (?:the|a|my) (?:ground"
    r"|grave|coffin)(?! floor)",
    r"six feet under",
    r"(?:my own hanging|by (?:my|his|her) own handEND)",
    r"let me (?:not|never) wake",
    r"(?:garageLONG engine|engineLONG garage)(?: \w+){0,2}END",
    r"(?:railing|ledge|edge|tracks|bridge)ACROSS pulled me (?:back|away|off|down)",
    r"want to jump and (?:let|end|be|get)",
    r"(?:googl\w*|search\w*|look\w* up) (?:\w+ ){0,6}(?:kills? you|lethal|fatal)",
    r"(?:sleep|asleep)(?: \w+){0,4} (?:never|not|without) (?:wake|waking)(?:END| up(?: again|END))",
    r"(?:wish|want|could|let me) (?:\w+ ){0,3}stop (?:being|breathing)END",
    r"WANT(?: that)? (?:i|id|he|she|they) (?!dont|wont|never|wouldnt)(?:\w+ ){0,2}AWAY",
    r"(?:wish|wishes|wished) (?:that )?(?:i|he|she|they) (?:was|were|had|wasnt|hadnt)(?: \w+)?"
    r"(?: been)? (?:never )?(?:born|AWAY)",
    r"never (?:been|be|was|were) born",
    r"(?:why was i|wasnt meant to be|shouldnt have been) born",
    r"i (?:\w+ )?deserve (?:to die|death)",
    r"(?:meant|supposed|dont deserve|able) to (?:live(?! PLACE)|be alive|be here|exist)",
    r"(?:should|might as well|may as well|ought to|need to|have to) (?:(?:go|be|all) )?(?:die|dead)",
    r"(?:i|id|ill)(?: (?!KIN\b)\w+){0,9} (?:die|dying|dead|death|alive|exist|vanish\w*)",
    r"i (?:should|could|would) (?:have|of) died",
    r"(?:wish|wished|wishing) (?:i|id|that i)(?: (?!KIN\b)\w+){0,3} died",
    r"if i (?:(?:was|were|am|had|wasnt) )?AWAY(?! (?:for (?!ever|good)|on|to)\b)",
    r"(?:being|be) dead",
    r"dying (?:is|feels?|sounds?|would)",
    r"let (?:me|him|her) die",
    r"way out(?: \w+){0,3} (?:but|except|than)",
    r"(?:shouldnt|should not) be (?:alive|here|breathing)",
    r"my last (?:night|day) (?:alive|on)",
    r"be my last (?:night|day)END",
    r"not (?:afraid|scared) (?:to die|of (?:dying|death))",
    r"rather (?:be dead|not be alive|not live|not exist|die(?:END| than (?:live|be|stay|keep|wake)))",
    r"better off? dead",
    r"better dead",
    r"(?:except|only|but|want|choose|welcome|crave) death",
    r"(?:out|answer|solution|relief|escape|option|peace) is (?:death|to die|dying)",
    r"death (?:is|would be|seems|sounds)",
    r"THINKGAP (?:about|of) (?:\w+ ){0,2}(?:dying|my own death|ending|killing|jumping off|not (?:being|waking))(?! of)",
    r"(?:feel|feels|felt) like (?:dying|ending|giving up on life)",
    r"(?:my|my own) funeral",
    r"(?:dont|wouldnt) (?:care|mind) (?:if|whether) i (?:live|die|wake|am alive|get hit)",
    r"wouldnt mind (?:dying|being dead)",
    r"(?:WANT|if|could|id)LONG (?:never|not|dont|wont|nt|wouldnt) (?:have to )?wake up(?!MORNING)",
    r"NOTWANT wake up(?!MORNING)",
    r"sleep forever",
    r"(?:not|never|wont) (?:open OWN eyes|get up) again",
    r"tomorrow never comes",
    r"permanent (?:kind|solution|peace)",
    r"(?:please|someone|somebody|anyone|god|lord) (?:please |to )?kill me",
    r"kill me (?:now|already|please)",
    r"(?:someone|somebody|god|please|wish|want)GAP (?:put|take) me out of (?:my|this) misery",
    r"(?:^|(?<=\. ))kill me",
    r"(?:wish|hope|want|pray|beg)LONG (?:hits? me|run me over|kills? me|be hit by|get hit by|heart (?:would "
    r"|to )?stop|take[ns]? me(?! (?:to|on|out|back|home|with|for|seriously)))",
    r"(?:dont think|not sure|doubt)(?: \w+){0,2} (?:will|can|going to|ll"
    r"|could) make it (?:through the night(?! shift)|to (?:tomorrow|morning|the morning))",
    # Words run together, or letters set apart
    r"\w*(?:kill(?:ing)?myself|want(?:to)?die|wan+adie|endmylife|enditall|hurtmyself|cutmyself|betteroffdead"
    r"|suicid)\w*",
)
