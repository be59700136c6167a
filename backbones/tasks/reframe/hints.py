"""What hints at suicide without a word for it: not to live or go on, to be no loss, to say farewell. See `phrases`."""

HINTS = (
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
    r"|survive)(?! with)",
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
    r"done (?:living|existing)(?! PLACE)",
    r"(?:done|through|finished) with (?:my |this )?(?:life|living|existence)(?! (?:in|at|insurance|drawing"
    r"|science\w*))",
    r"(?:tired|sick|exhausted)(?: and tired)? (?:of|from) (?:living like|(?:living|being alive|life|existing"
    r"|breathing|this life)(?! (?:PLACE|of|being)))",
    r"hates? (?:being alive|existing|living(?! PLACE))",
    r"(?:given|give|gave|giving) up on (?:life|living)",
    r"(?:living|existing|being alive|existence) (?:\w+ )?(?:hurts|pain\w*|exhaust\w*|pointless|torture|unbearable"
    r"|hell)",
    r"(?:my|this|his|her) life(?: \w+){0,5} (?:to be over|to end|would end|would be over)",
    r"want it (?:all )?to be overEND",
    r"want(?: \w+){0,2} (?:everything|it all|the pain|all of it|this pain) to (?:end|stop|be over|go away)",
    r"stop existing",
    r"cease to exist",
    r"(?:cba|cant be (?:bothered|arsed))(?: to| with)? (?:live|living|be alive|life)(?! PLACE)",
    r"(?:belong|meant|made|built)(?: \w+)? (?:for|in|on) (?:this (?:world|earth|life)|life|living)(?! of)",
    r"NOTWANT feel anything",
    r"(?:cant promise|not sure|dont know|doubt|dont think)(?: if| that)? (?:ill|i will) be (?:here|around) (?:tomorrow"
    r"|anymore|much longer|for long)",
    r"dont (?:plan|intend|expect) (?:on |to )?be(?:ing)? (?:here|around|alive)(?! (?:when|if|at|in|to|with))",
    r"cant (?:see|imagine|picture) myself (?:\w+ )?(?:being (?:here|alive)|living(?! PLACE)|making it (?:(?:to|past)"
    r" (?:\d|tomorrow|next|thirty|adulthood|old age)|past))",
    r"if it wasnt forLONG (?:be here|be alive|be gone|be dead|have done it)",
    r"only (?:thing|reason|person|one)GAP (?:keep|stop|hold)(?:s|p?ing)? me (?:here|alive|from doing it)",
    r"only (?:thing|reason|person|one)GAP (?:stop|hold)(?:s|p?ing)? me(?: back)? is my (?:\w+ )?(?:kids|children|KIN)",
    r"only reasonGAP havent (?:done|ended) it",
    r"to not exist",
    r"WANT(?: \w+)? not exist",
    r"(?:WANT|could|id)(?: to)? VANISH",
    r"fall off the face",
    r"want to (?:\w+ ){1,5}and (?:die|never (?:come|be))",
    r"(?:log|check|opt)\w* out of (?:life|existence|this world|this life)",
    r"(?:leave|leaving) this (?:world|earth|life|planet)",
    # To be no loss
    r"rather not be (?:here|in it|in this (?:world|life)|around)",
    r"waste of (?:oxygen|space|air)",
    r"(?:bother|why|point) (?:\w+ )?staying alive",
    r"(?:better|easier|happier) (?:off |place )?(?:for \w+ )?(?:with me gone|without me|if i (?:(?:was|were) )?(?:AWAY"
    r"|wasnt))",
    r"(?:say\w*|said|think\w*|thought|believ\w*|tell\w*|told|feel\w*)GAP better off without (?:him|her|them)",
    r"(?:the day|when|once) i (?:die|am dead|am gone)(?: \w+){0,2} (?:nobody|everyone|everybody|they|no)",
    r"(?:nobody|no|who|wouldnt) (?:\w+ )?(?:would|will) miss me",
    r"(?:written|wrote|write|writing|left|leave) (?:my|a|the) (?:goodbye|farewell|last) (?:note|letters?)",
    r"(?:voices?|head)GAP tells? me to",
    r"plan and a date",
    r"(?:i|i am|i have) (?:gave|given|giving) away (?:all )?my (?:\w+ )?(?:things|stuff|belongings|possessions)",
    r"made (?:my )?peaceLONG goodbye",
    r"goodbyes? to (?:everyone|everybody)(?! (?:at|in|from))",
    r"(?:care|look)GAP (?:when|after|once) i am gone",
    r"nothing willLONG (?:decided|ready|time) to goEND",
    r"(?:left|leave) a noteLONG (?:find|reach) (?:him|her|them)",
    r"(?:for when|after|sorry when|once|by the time) i am (?:gone|dead)(?! (?:for|on|to)\b)",
    r"(?:find|finds|found) my body(?: (?:in|on|at|tomorrow|first)|END)",
    r"(?:soon|tomorrow|tonight|then)LONG (?:none of (?:it|this)|nothing) will matter",
    r"until it (?:bleeds|hurts|stops hurting)",
    r"(?:go|leaving) for goodEND",
    r"this is (?:my )?(?:final )?goodbye",
    r"goodbye (?:everyone|everybody|world|all|life)",
    r"wont be (?:here|around|alive) (?:much longer|for long|anymore)",
    r"affairs in order",
    r"letters?(?: to)? say\w* goodbye",
    r"(?:tired|sick|exhausted)(?: and \w+)? of (?:being here|being|waking up)(?: anymore| every (?:single )?day|"
    r" again)?END",
    r"(?:no|any) (?:\w+ )?reason(?: left)?(?: for me)?(?: left)? to (?:(?:hold|hang) on|stick around|continue|keep"
    r" (?:fighting|trying|breathing)|stay(?=END| (?:anymore|alive|here(?= \.|$)|on this|in this (?:world|life))))(?!"
    r" (?:in|at|with|to)\b)",
    r"nothing left (?:here )?for me(?: here)?(?: anymore)?(?:END| no| in this (?:world|life))",
    r"(?:cant|dont want to|wont|unable to) (?:bear|face|stand|take|survive|handle|endure|do) (?:living|being alive|life"
    r"|another (?:day|night)|one more (?:day|night))(?: anymore| alive| on earth)?END",
    r"cant (?:keep )?(?:hold(?:ing)?|hang(?:ing)?) on (?:anymore|much longer|for (?:long|much longer))",
    r"(?:no|any|dont have the|not the)(?: \w+)? ?(?:fight|strength|energy|courage)(?: left)?(?: in me)?(?: left)? to"
    r" (?:live|stay alive|go on|keep (?:going|living)|exist|carry on|continue)END",
    r"fighting to (?:stay (?:here|alive)|live|be here|exist|be alive)(?! (?:in|at|with)\b)",
    r"any of (?:it|this) anymoreEND",
    r"cant (?:do|take) (?:this|it) anymore \. (?:any of it|not one more|i am sorry|goodbye)",
    r"(?:done|finished|through|fed up|over it|had enough)ACROSS (?:with|of) (?:life|living|existing|being alive|this"
    r" life)END",
    r"(?:out of|leave|quit) (?:this (?:life|existence)|lifeEND)",
    r"another \w+ of this life",
    r"(?:want|need) it overEND",
    r"(?:what|nothing|anything)(?: \w+){0,4} to (?:stay|go on|hold on) forEND",
    r"reason to open OWN eyes",
    r"(?:dont think|doubt|wont)(?: \w+){0,3} be a (?:next year|tomorrow) for me",
    r"easier (?:to not|not to) (?:be|exist)END",
    r"never (?:have|having) existed",
    r"i should be (?:erased|put down)",
    r"no place for me (?:in|on) (?:this|the) (?:world|earth|planet)",
    r"(?:i have|i) lived long enoughEND",
    r"feel\w* (?:like )?my time is up",
    r"(?:hope|wish|pray)\w* (?:the|my|our|this) (?:plane|train|car|bus) (?:goes down|would crash|crashes)",
    r"(?:wouldnt|not)(?: \w+){0,3} (?:brake|move|swerve|step aside) if (?:a|the) (?:truck|car|bus|train)",
    r"(?:no|any) future(?: left)? for (?:me|myself|someone like me)(?! (?:in|at|with|here|as)\b)",
    r"i (?:see|have) no futureEND",
    r"(?:^|\. |that |think |guess |maybe )(?:life|living|existing|being alive|this world) isnt (?:for|made for|meant"
    r" for) me(?! (?:in|at|on)\b)",
    r"(?:wont|never|not|dont|cant|cannot|doubt)(?: \w+){0,4} (?:make it|making it|live|living|be alive|get"
    r"|reach(?:ing)?|turn(?:ing)?|survive)(?: (?:to|past|until|till|beyond)){0,2} (?:\d\d|twenty|thirty|forty|fifty"
    r"|adulthood|old age|my (?:next|\w+th) birthday|(?:next|the new) year)(?:END| i\b| and\b)",
    r"(?:dont|not|never)(?: \w+)? (?:plan|expect|want|think|going|intend)\w* (?:to |ill |i will )?(?:see|live to see)"
    r" (?:the new year|next (?:year|month|summer|christmas)|\d\d|thirty|another (?:year|birthday|christmas|spring)"
    r"|tomorrow)END",
    r"i (?:\w+ ){0,3}(?:wont|not going to|might not|may not|dont think (?:ill|i will)|doubt (?:ill|i will)) be (?:here"
    r"|around|alive) (?:for (?:my (?:\w+ )?birthday|christmas|the holidays|new year)|by (?!\d)\w+|next (?:year|month"
    r"|summer|winter)|to see (?:it|that|them|him|her|my|this))END",
    r"(?:wont|not|(?:dont|not) (?:going|want|plan|intend)\w* (?:to|on)) (?:stick|hang|stay)(?:ing)? around (?:to find"
    r" out|to see (?:it|if|whether)|long enough|much longer|for long)",
    r"(?:birthday|christmas|night|day|year|winter) (?:is|will be) my lastEND",
    r"be my last (?:birthday|christmas|year|winter|week|breath)END",
    r"(?:hope|wish|pray)\w* (?:that )?i (?:(?:could|would) )?(?:get|had|got|have|catch) (?:cancer|a tumou?r|a heart"
    r" attack|(?:something|a) (?:fatal|terminal)\w*)",
    r"(?:if i (?:get|got|had|have)|if (?:it is|they found)|diagnosed with)(?: \w+)? (?:cancer|tumou?r|terminal\w*)LONG"
    r" (?:glad|relie\w+|happy|ok|okay|let it|wouldnt|not treat)",
    r"(?:dont|not|no longer|hardly) (?:\w+ )?(?:care|caring|mind) what happen\w* to me",
    r"cross\w*ACROSS look(?:ing)?ACROSS (?:mind|care|hop(?:e|ing))",
    r"look(?:ing)?(?: \w+){0,2} cross\w*ACROSS (?:mind|care|whatever happens|hop(?:e|ing))",
    r"seat ?beltACROSS (?:hop(?:e|ing)|dont care|whatever happens)",
    r"(?:long sleeves|hoodie)LONG so (?:nobody|they|he|she|my \w+) (?:\w+ )?(?:asks?|finds? out|suspects?|knows?)",
    # No loss, and a burden
    r"(?:i am|i feel|feel like|i have become|i have always been|i was|being)(?: (?:like|a|an|such|only|nothing|but"
    r"|always|big|huge|useless|constant|terrible|complete)){0,4} burden(?:END| (?:to|on|for) (?:FAMILY|them|us|you"
    r"|society|the world|others|all))",
    r"FAMILY(?: (?:deserves?|to|would|will|should|finally|be|then)){1,4} (?:free|rid) (?:of|from) me",
    r"(?:they|you|FAMILY|theyll|theyd|shed|hed|youll)(?: (?!at\b|in\b)\w+){0,8} (?:ok|okay|fine|alright|better|happier"
    r"|relieved) without me(?:END| and| anyway| theyll| they)",
    r"(?:nobody|wont|never)(?: \w+){0,2} have to (?:worry about|look after|care for|take care of|put up with|deal"
    r" with) me(?:END| anymore| again)",
    r"wont have to (?:worry|hurt|suffer|feel|pretend|fight)LONG (?:much longer|for long)",
    r"wont be (?:anyones|anybodys|everyones|your|their) (?:problem|burden)(?: anymore)?END",
    r"(?:say\w*|said|think\w*|thought|tell\w*|told)GAP (?:nobody|no) (?:\w+ )?(?:would|will) miss (?:him|her|them)",
    r"would (?:anyone|anybody|they) miss meEND",
    r"i (?:am )?(?:only |do nothing but )?(?:take|taking|wast\w+|steal\w*)(?: up)? (?:space|air|oxygen)(?! (?:on|in|at"
    r"|for)\b)",
    r"(?:kids|children|family|wife|husband|they|theyd|theyll)(?: (?:would|will|could|can|least|at))* (?:get|have"
    r"|collect|receive) (?:the |my )(?:life )?insurance",
    r"apologi\w+(?: \w+){0,3} for (?:existing|being alive|breathing)",
    r"if i (?:was|were)(?: \w+)? out of the (?:picture|way)",
    # Farewells
    r"how long (?:it )?(?:would|will)(?: \w+){1,3} to (?:find|notice) (?:me|i was|i am)(?:END| gone)",
    r"sorry for everythingACROSS (?:love you all|goodbye|forgive me)",
    r"anymore \. goodbye",
    r"(?:letters?|videos?|notes?)LONG (?:for afterEND|to (?:open|read|watch|find) (?:when i am|once i am|afterEND))",
    r"(?:gave|given|giving|give)(?: (?!we|he|she|they|because|since)\w+){0,8} (?:wont|not going to|dont|wouldnt) (?:be"
    r" )?need(?:ing)? (?:it|them|that|those|any of it)(?: anymore| soon| where i am going)?END",
    r"need(?:ing)? (?:it|them|those|anything|any of it|money) where i am going",
    r"(?:dog|cat|pets?|bird|rabbit)(?: \w+){0,6} (?:home|owner|someone)ACROSS (?:i can go|last thing|i am ready|free"
    r" to go)",
    r"(?:home|owner|someone)(?: \w+){0,4} (?:dog|cat|pets?|bird|rabbit)ACROSS (?:i can go|last thing|i am ready|free"
    r" to go)",
    r"(?:calm|calmer|at peace|peaceful|relieved|lighter)(?: (?:now|that|since|because|ever)){1,3} i (?:have"
    r" )?(?:decided(?! to\b| on\b| that\b)|made (?:up my mind|(?:my|the) (?:decision|choice))(?! (?:to|about)\b)|know"
    r" (?:when|how)END)",
    r"made up my mind to (?:go|do it|leave this|end it)END",
    r"(?:by the time|when|if|once) (?:you(?:re)?|anyone|anybody|they|someone|somebody|everyone|she|he|mom|mum|my"
    r" \w+)(?: are)? (?:reads?|reading|sees?|finds?|gets?|opens?) this(?: \w+){0,4} (?:gone|dead|to late|no longer"
    r"|wont be)",
    r"(?:when|once|after) (?:she|he|it|they|my \w+) (?:dies|is gone|passes(?: away)?|die|go|goes) (?:i (?:go|follow|am"
    r" (?:going|done|gone|next|out))|i?ll (?:go|follow)|so (?:do|will) i)(?: to)?END",
    r"only(?: \w+){0,2} (?:hang(?:ing)? on|hold(?:ing)? on|alive|stay(?:ing)? here|keep (?:going|living)|live|living)"
    r" (?:because of|for|due to|thanks to) (?:FAMILY|my|him|her|them|you)",
    r"(?:ready|want|time|longing|coming|soon)(?: \w+){0,3} (?:join|follow|be with|meet|be reunited with|go to) (?:him"
    r"|her|them|god|jesus|my \w+|my late \w+)(?: and \w+)? (?:in (?:heaven|death|the (?:afterlife|next life|grave))|up"
    r" there|on the other side)",
    r"(?:ready|want|time) to (?:join|follow|go to) (?:my (?:late )?(?:husband|wife|son|daughter|mother|mum|mom|baby)"
    r"|god|the lord)(?=END| the sooner| soon)",
    r"said (?:all )?(?:of )?my (?:goodbyes|farewells)END",
    r"(?:deleted|deleting|wiped|closed) (?:all )?(?:of )?my (?:\w+ )?(?:accounts|socials|phone)ACROSS (?:bye|goodbyes?"
    r"|farewells?)",
    r"(?:dont be (?:sad|mad|angry)|cry|forgive me|remember me|blame \w+)(?: \w+){0,3} (?:when|after|once|if) i am"
    r" (?:gone|not here(?: anymore)?|no longer here|dead)(?! (?:for|to|on)\b)",
    r"(?:^|\. |please |sorry |goodbye |me |somebody |someone )tell (?:my (?:\w+ )?(?!boss)\w+|him|her|them"
    r"|everyone)(?: that)? i (?:love|loved|am sorry|always loved) (?:him|her|them|you)",
    r"(?:you|they|nobody|anyone|youll|theyll) (?:wont|never|will never) (?:\w+ )?(?:hear from|see) me again(?! (?:at"
    r"|in)\b)",
    r"my time on (?:this )?earth is (?:up|over)",
)
