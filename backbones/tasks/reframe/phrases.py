"""What is said of self-harm and suicide, and what only sounds so: tables for `care`, over its plain form of a text.

Every line is a regular expression of whole words, in which names in capitals stand for `PIECES`. ` .` ends a clause of
the plain form, and a word never crosses it.
"""

PIECES = {
    "SELF": r"(?:myself|himself|herself|themself|yourself|ourselves)",
    "OWN": r"(?:my|his|her|their|your|our)(?: own)?",
    "NOTWANT": r"(?:dont|not|never|no longer|wouldnt)(?: \w+)? (?:want|wish|wanted|wants|feel like)(?: to)?",
    "WANT": r"(?:want|wants|wanted|wish|wishes|wishing|need|hope|hopes|hoping|pray|prays|praying|prefer|love"
    r"|ready|try|tries|tried|trying|decided|plan|plans|planning|longing|urge)",
    "THINK": r"(?:think|thinks|thinking|thought|thoughts|dream|dreaming|fantasi[sz]e|fantasi[sz]ing|talk"
    r"|talks|talking|talked|consider|considering|obsessed|googl\w+|urges?)",
    "AWAY": r"(?:die|died|dies|dead|gone|disappear\w*|vanish\w*|not (?:here|alive)|wasnt (?:here|around"
    r"|alive)|dont exist|never existed|never born)",
    "PILLS": r"(?:pills?|meds|medication|tablets|painkillers|paracetamol|tylenol|ibuprofen|aspirin|xanax"
    r"|antidepressants|insulin|bleach)",
    "HEIGHT": r"(?:bridge|roof|rooftop|building|cliff|balcony|window|tower|ledge|overpass)",
    "WHEELS": r"(?:trains?|bus|truck|cars?|lorry|subway|tram|metro|traffic(?! jams?)|tracks)",
    "PLACE": r"(?:in|at|with|w|here|there|near|next|on|under|alone|off|by|close|together|paycheck|up to"
    r"|through|out|for|my|without|a|the)\b",
    "MORNING": r"(?:(?: \w+)? (?:early|at|for|to|before|on|when|until|late|next|tired|sick|so)|in time)\b",
    "TRIP": r"(?:a|the|this|that|my|our|holidays?|vacations?|dates?|trips?|with|pretending|about)\b",
    "KIN": r"(?:he|she|it|they|you|your|his|her|their|the|this|that|whose|who|mother|mom|mum|mam|father|dad"
    r"|son|daughter|brother|sister|grand\w+|gran|nan|uncle|aunt|cousin|wife|husband|friend|friends|dog|cat|pet|baby"
    r"|people|everyone|somebody|someone|everything|hamster|bunny|rabbit|horse|fish|bird)",
    "END": r"(?= \.|$)",
    "GAP": r"(?: \w+){0,4}",
    "LONG": r"(?: \w+){0,8}",
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
    r"drown(?:ing|ed)? SELF in (?!the\b|a\b|my (?:bath|tub|pool)|water)\w+",
    r"(?:die|dying|dyeing) (?:my|her|his) hair",
    r"(?:die|died|dying|dead) (?:of|from|with)(?: pure| utter| sheer| the| second hand)? (?:laugh\w*|bor\w+"
    r"|embarrass\w*|shame|cring\w+|curiosity|hunger|heat|cold|thirst|cuteness|happiness|joy|excitement|awkward\w*"
    r"|cancer|old age)",
    r"dying (?:to|for|inside|over here)",
    r"die hard",
    r"(?:to|near|life or|life and) death",
    r"death (?:of me|row|bed|amounts?|star)",
    r"(?:going to|will|might|could|would|ill|ima|nearly|almost) (?:die|died)(?! (?:tonight|today|tomorrow|soon|by"
    r"|and))",
    r"rather die than (?!live|be|stay|keep|wake|go on|exist)\w+",
    r"id die if",
    r"feel dead (?:after|today|on)",
    r"(?:i|we) (?:bought|planted|got) are (?:already )?dead",
    r"(?:am )?not dead",
    r"(?:out|come back|home|eat\w* (?:me )?|happiest \w+ |buried )(?: of \w+ \w+)? ?alive",
    r"(?:the|if|when) i die i have to",
    r"(?:cat|dog|grand\w+|mom|mum|dad|father|mother|friend|uncle|aunt|brother|sister|he|she) (?:is |has "
    r"|had )?(?:died|passed|dying)",
    r"dead (?:week|tired|ends?|line|inside|weight|serious|set|on my feet|last|broke|slow|silence|quiet|beat|battery"
    r"|phone)",
    r"(?:afraid|scared|terrified|fear|frightened|worried)(?: \w+)? (?:of|about) (?:dying|death)",
    r"die (?:early|young|alone)",
    r"(?:plants?|flowers?|phone|laptop|computer|car|battery|printer|charger|fridge|machine|pc|wifi|tree|garden)"
    r"(?: \w+){0,2} (?:to die|commits? suicide|committed suicide|kill\w* itself|dying|dead)",
    r"suicide (?:squad|silence|girls?|burgers?|wings|doors?|bomb\w*|attacks?|missions?|runs?|drills?|shifts?)",
    r"(?:political|career|social|commercial|professional|financial) suicide",
    r"(?:\d+|many|few|more|of) kms",
    r"kms (?:away|an hour|per|from|to go|long)",
    r"overdos\w* (?:of|on) (?!PILLS|OWN|sleeping|drugs?|purpose|heroin|fentanyl|opio\w*|cocaine|an?\b|some\b|the\b"
    r"|all\b)\w+",
    r"(?:forgot|forget|remember|refuses?) to take",
    r"bungee jump\w*",
    r"(?:cancer|virus|covid|disease|illness|accident|crash|stroke|attack|flood|fire|war) (?:that )?(?:took"
    r"|takes) OWN life",
)

SERIOUS = (
    # To kill or harm oneself
    r"(?:kill\w*|kil|off|offing|delet\w+|hang|hung|hanging|hanged|shoot|shot|shooting|stab\w*|drown\w*|poison\w*"
    r"|strangl\w*|suffocat\w*|chok\w+|starv\w+|electrocut\w*|hurt|hurting|hurts|harm\w*|injur\w+|cut|cuts|cutting"
    r"|mutilat\w+|yeet\w*|end|ends|ending) SELF",
    r"burn(?:ing|s)? SELF",
    r"burn(?:ed|t) SELF (?:with|because|on purpose|to feel)",
    r"(?:keep|keeps|kept|been|started) (?:hitting|punching|scratching|biting) SELF",
    r"(?:scratch|pick|bit|bite|dig|cut)\w* (?:\w+ ){1,6}(?:bleed|bleeds|blood)",
    r"kms",
    r"kys",
    r"unaliv\w*",
    r"sewerslide",
    r"noose",
    r"suicid\w*",
    r"self ?(?:harm\w*|injur\w*|mutilat\w*|delet\w*|destruct)",
    r"(?:started|start|been|back to|stop|urge to|want to|need to|relapsed?)GAP cut(?:ting)?(?: again|END)",
    r"cutting again",
    r"(?:cut|cuts|cutting|slit\w*|slash\w*|slic\w+) (?:on |up |open )?OWN (?:wrists?|arms?|thighs?|legs?|skin|veins?"
    r"|throat)",
    r"(?:blade|razor|knife) (?:to|on|against|across) OWN",
    r"relapsedLONG (?:arms?|wrists?|thighs?|blades?|razor)",
    r"(?:not safe|unsafe)(?: \w+)? (?:with|from|around) SELF",
    r"(?:scared|afraid) of (?:myself|what i (?:might|will|could) do)",
    r"do something (?:to myself|stupid to myself|i cant take back)",
    # To take one's life, by whatever means
    r"(?:take|takes|taking|took|end|ends|ending|ended) OWN li(?:fe|ves)(?! (?:back|savings|insurance|seriously|story))",
    r"end(?:ing)? (?:it all|everything)",
    r"ending itEND",
    r"(?:WANT|going|THINK)GAP end(?:ing)? (?:it|things)(?! (?:with|between))",
    r"overdos\w*",
    r"od(?:ed|ing)? on",
    r"(?:swallow\w*|take|takes|taking|took|down\w*) (?:all|the whole|a whole|a bunch|a bottle|a handful|every"
    r"|to many|enough)GAP PILLS",
    r"(?:going to|want to|will) swallowGAP PILLS",
    r"PILLSLONG(?: and)?LONG (?:take|taking|took|swallow\w*) (?:them all|all of them|the lot)",
    r"(?:how (?:many|much)|drink|drank|drinking|stash\w*|hoard\w*|saving up|bottle of|googl\w+)GAP PILLS"
    r"(?: (?:it takes|to (?:die|kill|overdose)|next to me|in my hand|in front of me)|END)",
    r"PILLS (?:\w+ )?(?:next to me|in my hand|in front of me)",
    r"(?:bought|got|found) (?:a |the |some )?(?:rope|razor blades?)",
    r"(?:jump\w*|leap\w*|throw\w* SELF|fall\w*|step\w*) (?:off|from|out of|over)(?: \w+){0,2} HEIGHT",
    r"(?:jump\w*|throw\w* SELF|step\w*|walk\w*|run\w*|l[ay]\w+ down) (?:in front of|under|in ?to|on)"
    r"(?: \w+){0,2} WHEELS",
    r"(?:nearly|almost|want to|should|going to) jump(?:ed)?(?: today| tonight|END)",
    r"(?:walk|swim)\w* (?:in ?to|out to) (?:the |a )?(?:sea|ocean|river|lake|waves)",
    r"(?:WANT|THINK|feel like|tempted)GAP (?:drive|driving|crash|crashing|swerv\w+)GAP (?:off|in ?to)"
    r"(?: \w+){0,2} (?:HEIGHT|WHEELS|road|tree|wall|river)",
    r"THINKGAP (?:turn|turning|letting go of) the wheel",
    r"(?:platform|tracks|edge|ledge|railing|bridge)LONG (?:step|stepping|jump|jumping|fall|let go|climb\w*)",
    r"myself hanging",
    r"scars on OWN",
    r"look like an accident",
    r"(?:knife|blade|gun|rope|pills)LONG courage",
    r"close to doing it",
    r"(?:bought|buy|buying|have|had|has|got|load\w*|find|found) a (?:gun|pistol|rifle)",
    r"to feel something",
    r"i cut (?:last night|today|to (?:feel|cope))",
    r"burn\w* OWN (?:arms?|legs?|skin)",
    r"bullet (?:in|through|to|into)(?: to)? OWN",
    r"gun (?:to|in|at|against) OWN (?:head|mouth|temple)",
    r"blow\w* OWN brains?",
    r"hang\w* from (?:a|the) (?:rope|ceiling|tree|beam)",
    r"(?:painless\w*|easy|easiest|quick|quickest|best|peaceful) (?:ways?|methods?)GAP (?:die|dying|death|go)",
    # To die
    r"(?:i|he|she|they|we|to) (?:\w+ ){0,2}WANT (?:to )?(?:die|be dead|not be alive|be gone forever)",
    r"want (?:to )?(?:die|be dead)",
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
    r"if i (?:(?:was|were|am|had|wasnt) )?AWAY(?! (?:for|on|to)\b)",
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
    r"(?:^|(?<=\. ))kill me",
    r"(?:wish|hope|want|pray|beg)LONG (?:hits? me|run me over|kills? me|be hit by|get hit by|heart (?:would "
    r"|to )?stop|take[ns]? me(?! (?:to|on|out|back|home|with|for|seriously)))",
    r"(?:dont think|not sure|doubt)(?: \w+){0,2} (?:will|can|going to|ll"
    r"|could) make it (?:through the night(?! shift)|to (?:tomorrow|morning|the morning))",
    # Not to live, be or go on
    r"NOTWANT (?:live|living)(?! PLACE)",
    r"NOTWANT live (?:(?:in|on) (?:this|such a) (?:world|planet|earth)|like)",
    r"NOTWANT live with (?:myself|this pain|the pain|it)",
    r"NOTWANT (?:exist\w*|be alive|continue living|keep living|go on|carry on|keep going)(?! TRIP)",
    r"NOTWANT be (?:here|around) (?:anymore|at all)",
    r"NOTWANT be (?:on this (?:earth|planet)|in this world)",
    r"^(?:i )?(?:NOTWANT be here|cant do this anymore|want out|want to end it)$",
    r"cant (?:go|carry|keep) on(?: living| like this| anymore| much longer| this way| with (?:my |this )?lifeEND|END)",
    r"cant (?:live|do life|keep living|keep going)(?: like this| anymore|END)",
    r"(?:how much longer|how long)(?: \w+)? (?:can|will|could) (?:\w+ )?(?:keep )?(?:living|live|go on|hold on"
    r"|survive)",
    r"(?:reasons?|point|purpose|sense|use|why)(?: left)?GAP (?:live|living|alive|exist\w*|go on(?: living|END)"
    r"|going on(?: living| anymore|END)|carry\w* on)(?! PLACE)",
    r"(?:no|dont|cant|not|no longer) (?:\w+ )?(?:see|have|want) (?:a |any )?future(?! (?:in|at|with))",
    r"(?:no|any) point to (?:my|this) (?:life|existence)",
    r"my story (?:should|will|to) end",
    r"nothing (?:is )?(?:\w+ )?(?:holding|keeping) me here",
    r"(?:he|she|they|i) wont be alive",
    r"why (?:should i|do i|am i|i should|bother)GAP (?:live|living|alive|exist\w*)(?! PLACE)",
    r"(?:nothing|anything|little)(?: left)? to live for",
    r"will to live(?! PLACE)",
    r"desire to live(?! PLACE)",
    r"(?:not|isnt|never|no longer|hardly|is life)(?: \w+)? worth (?:living|it to live)",
    r"life isnt worth it",
    r"(?:done|through|finished) with (?:my |this )?(?:life|living|existence)(?! (?:in|at|insurance|drawing"
    r"|science\w*))",
    r"(?:tired|sick|exhausted)(?: and tired)? (?:of|from) (?:living like|(?:living|being alive|life|existing"
    r"|breathing|this life)(?! (?:PLACE|of)))",
    r"hates? (?:being alive|existing|living(?! PLACE))",
    r"(?:given|give|gave|giving) up on (?:life|living)",
    r"(?:living|existing|being alive|existence) (?:\w+ )?(?:hurts|pain\w*|exhaust\w*|pointless|torture|unbearable"
    r"|hell)",
    r"(?:my|this|his|her) life(?: \w+){0,5} (?:to be over|to end|would end|would be over)",
    r"want it (?:all )?to be overEND",
    r"want(?: \w+){0,2} (?:everything|it all|the pain|all of it|this pain) to (?:end|stop|be over|go away)",
    r"stop existing",
    r"cease to exist",
    r"to not exist",
    r"WANT(?: \w+)? not exist",
    r"(?:WANT|could|id)(?: to)? (?:disappear|vanish)(?! (?:for (?!ever|good)|to|into|with|on|in|when|until))",
    r"fall off the face",
    r"want to (?:\w+ ){1,5}and (?:die|never (?:come|be))",
    r"(?:log|check|opt)\w* out of (?:life|existence|this world|this life)",
    r"(?:leave|leaving) this (?:world|earth|life|planet)",
    # To be no loss
    r"rather not be (?:here|in it|in this|around)",
    r"waste of (?:oxygen|space|air)",
    r"(?:bother|why|point) (?:\w+ )?staying alive",
    r"better (?:off |place )?(?:with me gone|without me|if i (?:(?:was|were) )?(?:AWAY|wasnt))",
    r"(?:say\w*|said|think\w*|thought|believ\w*|tell\w*|told|feel\w*)GAP better off without (?:him|her|them)",
    r"(?:the day|when|once) i (?:die|am dead|am gone)(?: \w+){0,2} (?:nobody|everyone|everybody|they|no)",
    r"(?:nobody|no|who|wouldnt) (?:\w+ )?(?:would|will) miss me",
    r"(?:written|wrote|write|writing|left|leave) (?:my|a|the) (?:goodbye|farewell|last) (?:note|letters?)",
    r"(?:voices?|head)GAP tells? me to",
    r"plan and a date",
    r"until it (?:bleeds|hurts|stops hurting)",
    r"(?:go|leaving) for goodEND",
    r"this is (?:my )?(?:final )?goodbye",
    r"goodbye (?:everyone|everybody|world|all|life)",
    r"wont be (?:here|around|alive) (?:much longer|for long|anymore)",
    r"affairs in order",
    r"letters?(?: to)? say\w* goodbye",
    # Spanish
    r"quiero morir(?:me)?(?! de)",
    r"me quiero (?:morir(?! de)|matar)",
    r"(?:quiero|voy a|pienso en) matarme",
    r"quitarme la vida",
    r"no quiero (?:seguir )?(?:viviendo|vivir)(?! (?:en|con|aqui|alli|solo|sola))",
    r"(?:acabar|terminar) con (?:mi vida|todo)",
    r"hacerme dano",
    r"ganas de (?:morir(?!me de)|matarme|vivir|seguir viviendo)",
    r"mejor sin mi",
    # French
    r"(?:veux|voudrais|envie de|prefere) mourir(?! de)",
    r"(?:veux|vais|envie de|voudrais) me tuer",
    r"en finir avec (?:la vie|tout|ma vie)",
    r"veux en finir(?! avec)",
    r"(?:veux|envie de|peux) plus vivre(?! (?:a|avec|ici|dans|en|chez))",
    r"(?:plus|pas) envie de vivre",
    r"me faire du mal",
    r"je me mutile",
    r"gout a la vie",
    # German
    r"(?:ich|will|mochte|moechte)GAP sterben",
    r"nicht mehr leben(?! (?:in|mit|bei|hier))",
    r"(?:bringe?|bring) mich um",
    r"ritze mich",
    r"(?:mich|sich) (?:selbst )?(?:umbringen|toten|toeten|ritzen)",
    r"das leben nehmen",
    r"leben beenden",
    r"(?:lieber|ware ich|ich ware) tot",
    r"(?:selbstmord|suizid|lebensmud)\w*",
    # Portuguese
    r"(?:quero|queria|vontade de|prefiro) morrer(?! de)",
    r"(?:quero|vou|queria|vontade de) me matar",
    r"desistir da vida",
    r"tirar (?:a )?minha (?:propria )?vida",
    r"nao quero (?:mais )?viver(?! (?:em|com|aqui|no|na))",
    r"acabar com (?:a )?minha vida",
    r"me machucar de proposito",
    r"vontade de viver",
    # Words run together, or letters set apart
    r"\w*(?:kill(?:ing)?myself|want(?:to)?die|wan+adie|endmylife|enditall|hurtmyself|cutmyself|betteroffdead"
    r"|suicid)\w*",
)
