<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1">
<context>
    <name>Answers</name>
    <message>
        <location filename="../gui/answers_menu.py" line="34"/>
        <source>Go there<byte value="x9"/>Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_menu.py" line="37"/>
        <source>Accept<byte value="x9"/>A</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_menu.py" line="38"/>
        <source>Reject<byte value="x9"/>R</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_menu.py" line="39"/>
        <source>Edit the outline<byte value="x9"/>E</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_menu.py" line="41"/>
        <source>Export…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswersController</name>
    <message>
        <location filename="../gui/answers_controller.py" line="88"/>
        <source>Exported answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_controller.py" line="90"/>
        <source>{count} answers written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_controller.py" line="104"/>
        <source>Kept in {file}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswersPanel</name>
    <message>
        <location filename="../gui/answers_panel.py" line="116"/>
        <source>Answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="120"/>
        <source>Export…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="122"/>
        <source>Write the chosen answers, or all of them, to a new file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="123"/>
        <source>Export answers to a new file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="128"/>
        <source>Answers of this session</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="282"/>
        <source>object</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="289"/>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="289"/>
        <source>{count} found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="129"/>
        <source>Up and Down flash an answer on the map, Enter goes there; A accepts, R rejects, E edits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="147"/>
        <source>A accept · R reject · E edit: the next training learns from it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/answers_panel.py" line="286"/>
        <source>feature {id}: {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswersTree</name>
    <message>
        <location filename="../gui/answers_panel.py" line="89"/>
        <source>What was found: here, on the map, and in a GeoPackage at once.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AskController</name>
    <message>
        <location filename="../gui/ask_controller.py" line="233"/>
        <source>What had waited is in {path} now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_controller.py" line="234"/>
        <source>Everything is written</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AskPanel</name>
    <message>
        <location filename="../gui/ask_panel.py" line="76"/>
        <source>One object</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="77"/>
        <source>All objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="78"/>
        <source>Mask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="99"/>
        <source>What will be sent: {text}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="104"/>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="104"/>
        <source>Ask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="105"/>
        <source>Esc</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="105"/>
        <source>Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="106"/>
        <source>Stop the answer (Esc)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="106"/>
        <source>Ask (Enter)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="113"/>
        <source>the largest storage tank</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="114"/>
        <source>What to find</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="115"/>
        <source>Enter asks, Esc stops, Up and Down bring earlier questions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="118"/>
        <source>Say in plain words what to find. ↑ ↓ bring earlier questions back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="131"/>
        <source>Raster layer to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="141"/>
        <source>Area to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="150"/>
        <source>Current view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="151"/>
        <source>Drawn rectangle</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="168"/>
        <source>Draw…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="170"/>
        <source>Draw the rectangle on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="200"/>
        <source>Find</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="200"/>
        <source>In</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="200"/>
        <source>Area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="126"/>
        <source>What is sought: one object, all objects, masks</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="152"/>
        <source>Whole layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_panel.py" line="153"/>
        <source>Features of a layer</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AskWords</name>
    <message>
        <location filename="../gui/ask_words.py" line="27"/>
        <source>Waiting for the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="28"/>
        <source>Taking the picture…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="29"/>
        <source>Sending…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="30"/>
        <source>In the queue: {count} before you</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="31"/>
        <source>Thinking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="32"/>
        <source>Writing…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="33"/>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="34"/>
        <source>Failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="35"/>
        <source>Answered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="41"/>
        <source>{seconds:.1f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="53"/>
        <source>stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="55"/>
        <source>failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="57"/>
        <source>not usable</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="94"/>
        <source>The model answered: none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="95"/>
        <source>No such object here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="97"/>
        <source>The answer has no usable box</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="98"/>
        <source>It reached its limit of {count} tokens; what was complete is on the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="101"/>
        <source>The answer was cut short</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="79"/>
        <source>A part of the answer could not be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="85"/>
        <source>About the picture that was sent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="151"/>
        <source>… and {count} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="38"/>
        <source>Looking closely, {now} of {total}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="48"/>
        <source>{count} fit: all are marked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="79"/>
        <source>Not every object has a mask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="105"/>
        <source>{count} objects fit: all are marked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="106"/>
        <source>To mean one of them, say more: its colour, its size, or where it lies.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="117"/>
        <source>Nothing stands out in the box, so it stays a box: {objects}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="122"/>
        <source>There are too many for one answer: the rest are boxes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/ask_words.py" line="126"/>
        <source>The service has nothing that cuts objects out of their boxes (a segmenter); the boxes are on the map.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Capture</name>
    <message>
        <location filename="../capture/render.py" line="57"/>
        <source>The raster layer was removed before its picture was taken.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_reader.py" line="50"/>
        <source>“{layer}” could not be drawn: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="135"/>
        <source>“{layer}” has no data in this area.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="136"/>
        <source>Move the map to where the raster has a picture.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_reader.py" line="57"/>
        <source>Parts of “{layer}” could not be drawn: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="153"/>
        <source>{percent} % of the picture has no data.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="244"/>
        <source>The picture could not be encoded as PNG.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="107"/>
        <source>The file may be damaged or cut short, or the server out of reach.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="145"/>
        <source>All of “{layer}” is one colour here: check its contrast stretch.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="219"/>
        <source>64-bit integer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="127"/>
        <source>No picture of this area came for “{layer}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="150"/>
        <source>{percent} % of the picture did not come.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="115"/>
        <source>The numbers of “{layer}” are of the type {type}, which QGIS does not draw.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="119"/>
        <source>Make a raster of real numbers of it, such as the magnitude, with gdal_translate or the raster calculator.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/render.py" line="128"/>
        <source>Its server may be out of reach or have nothing here: look at the map, and try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/web_reader.py" line="73"/>
        <source>{percent} % of a picture of “{layer}” did not come.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/web_reader.py" line="107"/>
        <source>The plugin is being unloaded.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CapturePlan</name>
    <message>
        <location filename="../capture/plan.py" line="60"/>
        <source>1 chip {width}×{height} px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="65"/>
        <source>at {size} m/px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="68"/>
        <source>(native {size})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="99"/>
        <source>The area is empty: draw a rectangle or zoom to the raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="106"/>
        <source>The area is too narrow: draw one that is less of a line.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="221"/>
        <source>There is no raster layer to look at: add one to the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="223"/>
        <source>“{layer}” is not a raster layer: choose one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="227"/>
        <source>“{layer}” cannot be read: its file or address is not available.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="253"/>
        <source>“{layer}” has no CRS: it is taken to be in the project's, {crs}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="115"/>
        <source>This area is not in the CRS of “{layer}” ({crs}): zoom to the layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="138"/>
        <source>“{layer}” is not in this area: zoom to it, or choose another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="130"/>
        <source>QGIS knows no way from the CRS of “{layer}” ({crs}) to the project's ({map_crs}); they may be of different planets. Set the project's CRS to the layer's.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="64"/>
        <source>(ground size not known)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="236"/>
        <source>“{layer}” has no place on the map: sizes are in pixels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="241"/>
        <source>“{layer}” reaches beyond the earth in {crs}: is that its CRS?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/plan.py" line="248"/>
        <source>“{layer}” has no CRS: nothing is known in metres, and answers lie in its own units.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CaptureTask</name>
    <message>
        <location filename="../tasks/capture_task.py" line="27"/>
        <source>Geo-R1: taking the picture</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CheckTask</name>
    <message>
        <location filename="../tasks/dataset_task.py" line="56"/>
        <source>Geo-R1: checking the labels</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChipStrip</name>
    <message>
        <location filename="../gui/chip_strip.py" line="31"/>
        <source>Pictures it does not learn from. White: true, pink: answered.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/chip_strip.py" line="39"/>
        <source>{count} validation pictures, mean IoU {mean:.2f}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ComparisonForm</name>
    <message>
        <location filename="../gui/comparison_form.py" line="64"/>
        <source>How the question was understood, part by part</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="84"/>
        <source>What is sought, one of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="85"/>
        <source>Colour and the like, with commas between</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="89"/>
        <source>Which of those that fit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="90"/>
        <source>any</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="97"/>
        <source>several</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="99"/>
        <source>All that fit, or the first so many of a rank</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="101"/>
        <source>How it stands to another</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="102"/>
        <source>anywhere</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="111"/>
        <source>How near is near, in metres</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="113"/>
        <source>The other object, one of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="114"/>
        <source>Colour of the other object</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="198"/>
        <source>first </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="202"/>
        <source>Nothing is sought yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="214"/>
        <source>A relation or a distance needs the other object: name it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="219"/>
        <source>On a whole layer, left means west and above means north.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="250"/>
        <source>Sought</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="251"/>
        <source>Which</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="253"/>
        <source>Where</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="254"/>
        <source>Other</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="198"/>
        <source>no. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/comparison_form.py" line="117"/>
        <source>colour</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CrsOffer</name>
    <message>
        <location filename="../gui/crs_offer.py" line="81"/>
        <source>“{layer}” has no CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/crs_offer.py" line="82"/>
        <source>QGIS draws it as if it were in the project&apos;s, {crs}. If that is right, set it; the file is not touched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/crs_offer.py" line="96"/>
        <source>“{layer}” is in {crs} now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/crs_offer.py" line="99"/>
        <source>For this project; the file is as it was.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/crs_offer.py" line="73"/>
        <source>“{layer}” has no place on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/crs_offer.py" line="74"/>
        <source>It can be asked all the same; sizes are in pixels. To have metres, place it first: Georeferencer, in the menu Raster or Layer.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CurvesView</name>
    <message>
        <location filename="../gui/curves_view.py" line="35"/>
        <source>Curves of the training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="152"/>
        <source>loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="137"/>
        <source>Learning from rewards: what an answer earns</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="138"/>
        <source>How well the answers fit, 0 to 1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="139"/>
        <source>Length of the answers, tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="145"/>
        <source>in all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="146"/>
        <source>form</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="147"/>
        <source>overlap</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="148"/>
        <source>overlap of masks</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="150"/>
        <source>right and complete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="151"/>
        <source>near misses</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="153"/>
        <source>tries while learning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="154"/>
        <source>validation pictures</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="155"/>
        <source>held-out pictures</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="156"/>
        <source>length</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/curves_view.py" line="136"/>
        <source>Learning from examples: how far off</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CutTask</name>
    <message>
        <location filename="../tasks/dataset_task.py" line="77"/>
        <source>Geo-R1: taking pictures to learn from</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DetectionStore</name>
    <message>
        <location filename="../layers/store.py" line="285"/>
        <source>The project is not saved yet; its detections are in {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/store.py" line="212"/>
        <source>{was} could not be written when QGIS was closed. The rest is in {now}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/store.py" line="214"/>
        <source>Detections were kept elsewhere</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/store.py" line="346"/>
        <source>QGIS was closed in the middle of an answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/store.py" line="347"/>
        <source>What it had found is kept in {path}. Asked was: {queries}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DoctorDialog</name>
    <message>
        <location filename="../gui/doctor_dialog.py" line="45"/>
        <source>Check of Geo-R1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="55"/>
        <source>Steps of the check</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="56"/>
        <source>Step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="56"/>
        <source>Time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="56"/>
        <source>What was found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="62"/>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="63"/>
        <source>Check again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="64"/>
        <source>Copy report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="115"/>
        <source>Every step is tried on a picture with a known answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="155"/>
        <source>All is well.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="158"/>
        <source>Broken: {steps}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="161"/>
        <source>Stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="179"/>
        <source>Checking… {seconds:.0f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="183"/>
        <source>Read a raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="184"/>
        <source>Connect to the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="185"/>
        <source>Send the picture</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="186"/>
        <source>Ask the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="187"/>
        <source>Place the box on the ground</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="188"/>
        <source>Write a GeoPackage and read it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/doctor_dialog.py" line="189"/>
        <source>The service by itself</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Examination</name>
    <message>
        <location filename="../tasks/examination.py" line="86"/>
        <source>stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/examination.py" line="108"/>
        <source>not tried, because of “{step}”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/examination.py" line="161"/>
        <source>the picture is there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/examination.py" line="203"/>
        <source>on the server itself: geo-r1 doctor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/examination.py" line="223"/>
        <source>{count} steps of its own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/examination.py" line="228"/>
        <source>Geo-R1: checking</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <location filename="../gui/export_dialog.py" line="21"/>
        <source>Export answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="25"/>
        <source>GeoPackage (*.gpkg);;GeoJSON (*.geojson)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="26"/>
        <source>Export answers to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="27"/>
        <source>File to write</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="31"/>
        <source>Coordinate reference system of the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="32"/>
        <source>Add it to the project</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="36"/>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="40"/>
        <source>{count} answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="41"/>
        <source>File</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/export_dialog.py" line="42"/>
        <source>CRS</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ExportTask</name>
    <message>
        <location filename="../tasks/export_task.py" line="36"/>
        <source>Geo-R1: exporting</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FetchDialog</name>
    <message>
        <location filename="../gui/fetch_dialog.py" line="38"/>
        <source>Get a model from the hub</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="41"/>
        <source>Repository at the hub: owner/name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="44"/>
        <source>Branch, tag or commit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="45"/>
        <source>if it has none: the base that it names</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="45"/>
        <source>Repository that a missing processor is taken from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="153"/>
        <source>Show what comes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="62"/>
        <source>Names and sizes are asked first; no weights come before you press Fetch. Files that can run code are never fetched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="147"/>
        <source>Fetch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="104"/>
        <source>Fetch {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="153"/>
        <source>Asking the hub…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="179"/>
        <source>Repository:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="180"/>
        <source>Revision:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/fetch_dialog.py" line="181"/>
        <source>Processor from:</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GeoR1Dock</name>
    <message>
        <location filename="../gui/dock.py" line="59"/>
        <source>Ask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/dock.py" line="60"/>
        <source>Train</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/dock.py" line="56"/>
        <source>Ask, train or choose models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/dock.py" line="61"/>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GeoR1Errors</name>
    <message>
        <location filename="../core/sentences.py" line="70"/>
        <source>That did not work</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="79"/>
        <source>The Geo-R1 service is not answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="79"/>
        <source>Nothing answers at {url} ({reason}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="79"/>
        <source>Start the service, or connect to another address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="85"/>
        <source>The service fell silent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="85"/>
        <source>{url} sent nothing for {seconds:g} s.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="85"/>
        <source>What it had found is kept. Ask again, or look into its log.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="93"/>
        <source>The service went away in the middle of the answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="93"/>
        <source>The connection to {url} broke ({reason}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="93"/>
        <source>What it had found is kept. Ask again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="99"/>
        <source>The answer could not be understood</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="99"/>
        <source>In the answer, {path}: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="99"/>
        <source>Plugin and service may be of different versions: update both.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="118"/>
        <source>The service did not start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="118"/>
        <source>{command}: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="118"/>
        <source>Its log says why.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="124"/>
        <source>Geo-R1 is not installed on this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="124"/>
        <source>No command “geo-r1” in {places} usual places.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="132"/>
        <source>The service does not accept the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="132"/>
        <source>Enter the token that the service’s owner gave you.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="138"/>
        <source>The service does not answer under this name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="138"/>
        <source>Use the address under which the service was started.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="144"/>
        <source>Plugin and service are of different versions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="144"/>
        <source>Update both to the same version.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="150"/>
        <source>The service is stopping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="150"/>
        <source>Ask again in a moment: it is started anew.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="156"/>
        <source>Too many questions are waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="156"/>
        <source>The service holds {limit} questions and all places are taken.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="156"/>
        <source>Ask again when one of them is answered.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="165"/>
        <source>What do you want to find?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="165"/>
        <source>The question is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="165"/>
        <source>Type something like “the largest storage tank”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="170"/>
        <source>The question is too long</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="170"/>
        <source>Say it in one sentence.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="175"/>
        <source>No raster layer to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="175"/>
        <source>The project has no raster layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="175"/>
        <source>Add an image: Layer ▸ Add Layer ▸ Add Raster Layer…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="180"/>
        <source>This model cannot do that</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="180"/>
        <source>Look for one object or for all objects, or choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="187"/>
        <source>The service does not have this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="187"/>
        <source>Choose another model in the menu.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="192"/>
        <source>The model cannot be loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="195"/>
        <source>The model failed while it was answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="195"/>
        <source>Ask again; if it fails again, the service’s log says why.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="210"/>
        <source>This area cannot be sent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="211"/>
        <source>The answer could not be written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="241"/>
        <source>The area is too large</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="241"/>
        <source>The image has {given_px:,} pixels; the service accepts {limit_px:,}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="273"/>
        <source>Zoom in, or draw a smaller rectangle.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="248"/>
        <source>The area is too small</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="248"/>
        <source>Zoom out, or draw a larger rectangle.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="253"/>
        <source>The area is too narrow</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="253"/>
        <source>Draw a rectangle that is less narrow.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="258"/>
        <source>The image could not be read by the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="264"/>
        <source>The image arrived incomplete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="267"/>
        <source>The image arrived damaged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="270"/>
        <source>The service no longer has the image</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="273"/>
        <source>The image is too large to send</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="279"/>
        <source>The service has a fault</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="279"/>
        <source>Its log says more; please report it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="285"/>
        <source>The plugin has a fault</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="285"/>
        <source>{reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="285"/>
        <source>Please report it with the text under Details.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="124"/>
        <source>Install it with “pipx install geo-r1-backend”, or connect to a server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="25"/>
        <source>This is not the address of a server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="25"/>
        <source>“{address}”: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="25"/>
        <source>It looks like https://server:8443.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="31"/>
        <source>Nothing was sent: the way to the server is open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="31"/>
        <source>Use an https address, or say in the dialog that this is all right.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="42"/>
        <source>Nobody known vouches for this server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="70"/>
        <source>Nothing was sent to {host}: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="52"/>
        <source>The certificate belongs to another server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="52"/>
        <source>Nothing was sent to {host}: its certificate is for {names}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="52"/>
        <source>Use the name in the certificate as the address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="60"/>
        <source>The certificate of the server is not valid now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="60"/>
        <source>Nothing was sent to {host}: it is valid from {begin} until {end}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="60"/>
        <source>Its owner has to renew it; look at the clock of this machine, too.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="70"/>
        <source>No encrypted connection to the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="70"/>
        <source>Does the address begin with the right word, http or https?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="76"/>
        <source>The token for {host} is locked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="76"/>
        <source>It lies in QGIS&apos;s password store, which is not open yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="76"/>
        <source>Unlock it with your master password, or ask: QGIS will want it then.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="82"/>
        <source>The token for {host} is not known any more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="82"/>
        <source>QGIS&apos;s password store has no token for this address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="82"/>
        <source>Enter the token that the server’s owner gave you.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="88"/>
        <source>The token is kept for this session only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="88"/>
        <source>QGIS&apos;s password store could not take it ({reason}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="88"/>
        <source>It works until QGIS is closed; enter it again to keep it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="94"/>
        <source>The token lies in QGIS&apos;s settings as plain text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="94"/>
        <source>Press OK in the dialog to move it now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="107"/>
        <source>The service’s address is not on this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="107"/>
        <source>server.json names {url}. Nothing was sent there, and no token.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="214"/>
        <source>Another program holds the result file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="214"/>
        <source>{path} is locked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="223"/>
        <source>The disk is full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="223"/>
        <source>There is no room for {path}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="223"/>
        <source>What was found waits. Make some room, and it is written by itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="203"/>
        <source>The service cannot write its files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="203"/>
        <source>{folder}: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="203"/>
        <source>Make room on that disk, or allow writing there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="10"/>
        <source>Another program answers in place of Geo-R1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="10"/>
        <source>What answers at {url} is no Geo-R1 service.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="10"/>
        <source>Check the address of the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="16"/>
        <source>The proxy does not answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="16"/>
        <source>{url} is reached through the proxy {proxy} ({reason}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="231"/>
        <source>The answer was kept without a polygon</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="231"/>
        <source>Its place does not exist in the CRS of the result file, {crs}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="10"/>
        <source>No polygons to learn from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="10"/>
        <source>The project has no polygon layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="10"/>
        <source>Make one and draw a polygon around ten objects: Layer ▸ Create Layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="17"/>
        <source>No picture to learn from came out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="17"/>
        <source>No chip of the raster shows a label whole enough.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="17"/>
        <source>Check that the polygons lie on the chosen raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="22"/>
        <source>The pictures to learn from are gone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="22"/>
        <source>Their temporary files cannot be read ({reason}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_sentences.py" line="22"/>
        <source>Start again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="107"/>
        <source>If that server is yours, enter its address and token under “Connect to a server…”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="214"/>
        <source>What was found waits, and is written as soon as that program lets go of the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/sentences.py" line="231"/>
        <source>For a polygon: set the project to a CRS that has the whole area, save it under a new name, and ask again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="16"/>
        <source>Correct it under Settings ▸ Options ▸ Network, or add the address to those without a proxy.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="31"/>
        <source>With http, everybody on the way to {host} can read pictures, questions and the token.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="42"/>
        <source>Ask its owner for the certificate of the authority and import it: Settings ▸ Options ▸ Authentication ▸ Manage Certificates ▸ Authorities.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/server_sentences.py" line="94"/>
        <source>An earlier version put it there. It moves into QGIS&apos;s password store as soon as that is open.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="10"/>
        <source>The hub shows no such model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="10"/>
        <source>{hub} has no repository “{repository}”, or does not show it to everybody.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="10"/>
        <source>Check the spelling (owner/name). For a private one, give the service a token: as HF_TOKEN, or as the one line of the file hub-token in its data folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="22"/>
        <source>The model has no such revision</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="22"/>
        <source>“{repository}” has no “{revision}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="22"/>
        <source>A revision is a branch (such as main), a tag or the 40 digits of a commit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="30"/>
        <source>The owner lets in those who accept conditions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="30"/>
        <source>“{repository}” is gated.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="30"/>
        <source>Log in and accept the conditions at {hub}/{repository}, make a token that may read it, and give it to the service: as HF_TOKEN, or as the one line of the file hub-token in its data folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="39"/>
        <source>The hub does not accept the service’s token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="39"/>
        <source>{hub} refuses the token of {place}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="39"/>
        <source>Make a new one in your account there, or take it away: most models need none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="47"/>
        <source>The hub cannot be reached</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="47"/>
        <source>{hub}: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="47"/>
        <source>Go on later: what has come is kept. Without network, copy a model's folder to this machine and type “geo-r1 models import FOLDER”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="56"/>
        <source>The weights are in a form that can run code</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="56"/>
        <source>“{repository}” has its weights only as pickle ({file}). That is not fetched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="56"/>
        <source>Look for a revision with *.safetensors, or ask its owner for one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="66"/>
        <source>This model cannot be used here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="66"/>
        <source>“{repository}”: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="66"/>
        <source>Models of the families Qwen2.5-VL, Qwen2-VL and Qwen3-VL can, with weights as safetensors.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="74"/>
        <source>The model has changed since you agreed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="74"/>
        <source>“{revision}” of “{repository}” was {agreed:.12} when you agreed and is {now:.12} now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="74"/>
        <source>Look at what comes again; or take the old one, by its commit {agreed}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="84"/>
        <source>The download has another size than you agreed to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="84"/>
        <source>It has {size_bytes:,} bytes, agreed were {agreed_bytes:,}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="84"/>
        <source>Look at what comes again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="91"/>
        <source>A file came damaged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="91"/>
        <source>{file}: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="91"/>
        <source>It was thrown away. Go on, and only this file is fetched anew.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="98"/>
        <source>This download is not there any more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="101"/>
        <source>The model is being fetched already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="101"/>
        <source>Another program or window fetches “{repository}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="101"/>
        <source>Wait for it, or stop it there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="106"/>
        <source>There is no room for the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="106"/>
        <source>It needs {need_bytes:,} bytes more on the service&apos;s disk; {free_bytes:,} are free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="106"/>
        <source>Make room there. Nothing was fetched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="114"/>
        <source>This server fetches no models for others</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="114"/>
        <source>Ask its owner to fetch the model there (“geo-r1 models fetch”), or to start it with --allow-downloads.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="122"/>
        <source>The model is needed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="122"/>
        <source>It is not deleted: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="127"/>
        <source>This model is not deleted from here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="127"/>
        <source>It belongs to the installation, or its folder was put in place by hand.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="135"/>
        <source>The service is older than this</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="135"/>
        <source>It can list models, but neither fetch nor unload nor delete them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/hub_sentences.py" line="135"/>
        <source>Update the service.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="10"/>
        <source>The server of this model does not answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="10"/>
        <source>{reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="10"/>
        <source>Ask again when it is back, or choose another model in the menu.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="18"/>
        <source>The server of this model does not accept the key</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="18"/>
        <source>{endpoint}; the key is taken from: {key}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="18"/>
        <source>Put the right key there and start the service again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="23"/>
        <source>The server does not have this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="23"/>
        <source>“{model}” is not among what {endpoint} has: {known}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="23"/>
        <source>Name one of these in remote.json.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="28"/>
        <source>Image and question are too long for the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="35"/>
        <source>{width_px} × {height_px} px; {endpoint} says: {said}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="28"/>
        <source>Zoom in, or set a smaller max_pixels in remote.json (docs/remote.md).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="35"/>
        <source>The server does not take the image</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="35"/>
        <source>See whether it serves a model that sees.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="40"/>
        <source>The server refuses the question</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="40"/>
        <source>{endpoint} says ({status}): {said}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="40"/>
        <source>Its log says more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="45"/>
        <source>The server changes the size of images</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="45"/>
        <source>Of {width_px} × {height_px} px {endpoint} makes {tokens} tokens instead of {expected}: boxes would be shifted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/remote_sentences.py" line="45"/>
        <source>Give it this model’s limits of size (docs/remote.md).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="21"/>
        <source>The run cannot be gone on with</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="10"/>
        <source>“{layer}”, or the areas on it, are not what they were when it was stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="10"/>
        <source>Choose the raster of before, or ask again; what was found is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="32"/>
        <source>The areas of the run are gone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="32"/>
        <source>The polygon layer whose features it looks at is not in the project.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="32"/>
        <source>Open the project of before, or ask again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="40"/>
        <source>Too many areas for one run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="40"/>
        <source>“{layer}” has more than {limit:,} polygons.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="40"/>
        <source>Select some of them, or look at the whole layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="46"/>
        <source>There are no areas to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="46"/>
        <source>“{layer}” has no polygon that lies on the raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="46"/>
        <source>Choose another layer, or select features of this one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="52"/>
        <source>The run is not in its file any more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="52"/>
        <source>Nothing is known of it in {path}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="52"/>
        <source>Ask again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="58"/>
        <source>The run cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="58"/>
        <source>It may be of a newer plugin. Ask again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="64"/>
        <source>The run ended because its file cannot be written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="64"/>
        <source>{path} could not be written for {seconds:g} s.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="64"/>
        <source>See that nothing locks the file and the disk has room, then resume.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="72"/>
        <source>The raster cannot be cut into tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="72"/>
        <source>Choose another raster or another pixel size.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="21"/>
        <source>An earlier version of the plugin did not keep which picture of “{layer}” it looked at.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_sentences.py" line="21"/>
        <source>Ask again: the question is in its line. What was found is kept.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GeoR1Plugin</name>
    <message>
        <location filename="../plugin.py" line="57"/>
        <source>Ask the image…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../plugin.py" line="62"/>
        <source>Geo-R1: ask the image in plain words</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GeoR1Processing</name>
    <message>
        <location filename="../processing/algorithm.py" line="100"/>
        <source>Cancelled; nothing was started.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/algorithm.py" line="117"/>
        <source>The service is being started…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="33"/>
        <source>Build a training data set</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="46"/>
        <source>Name of the data set</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="40"/>
        <source>Score a model on polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="175"/>
        <source>… and {count} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="180"/>
        <source>{count} labels can be used, {left_out} are left out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="247"/>
        <source>Row {fid}: {text}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="42"/>
        <source>Train a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="147"/>
        <source>Run {id} of {model}: {steps} steps of {method}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="178"/>
        <source>step {step} of {steps}: reward {reward:.2f}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="187"/>
        <source>after step {step}, on validation: {metric} {value:.0f} %</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="204"/>
        <source>Saving and stopping…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="214"/>
        <source>Run {run} is still saving; it stops by itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="221"/>
        <source>Run {run} failed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="223"/>
        <source>It can be resumed in the Train tab of the dock.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="51"/>
        <source>Data set</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="54"/>
        <source>Pictures to learn from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="54"/>
        <source>Pictures to choose the checkpoint by</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="54"/>
        <source>Pictures to judge by</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="54"/>
        <source>Labels that were used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="54"/>
        <source>Labels that were left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="56"/>
        <source>The held-out ones: never learned from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="57"/>
        <source>All of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="59"/>
        <source>Polygons to ask for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="58"/>
        <source>Model (empty: the one chosen in the dock)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="71"/>
        <source>Metric</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="72"/>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="73"/>
        <source>Score, in percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="73"/>
        <source>Pictures answered right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="73"/>
        <source>Pictures that were asked about</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="73"/>
        <source>Objects in them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="70"/>
        <source>Polygons around the objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="77"/>
        <source>Field that says what a polygon shows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="85"/>
        <source>Or the same for all, as you would ask for one of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="94"/>
        <source>Raster that they were drawn on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="99"/>
        <source>What is asked for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="99"/>
        <source>One object</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="99"/>
        <source>All objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="111"/>
        <source>Share that is held out (empty: by the number of labels)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="124"/>
        <source>All</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="125"/>
        <source>Reviewed detections of a result layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="127"/>
        <source>Rows to use</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="99"/>
        <source>Seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="53"/>
        <source>Data set (its id)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="88"/>
        <source>Usual for the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="67"/>
        <source>Examples first, then DAPO</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="71"/>
        <source>Examples only (SFT)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="73"/>
        <source>Method</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="78"/>
        <source>Steps (0: as many as usual)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="109"/>
        <source>Name of the run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="115"/>
        <source>Run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="115"/>
        <source>Model that came out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="115"/>
        <source>Outcome</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="121"/>
        <source>Right before, in percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="121"/>
        <source>Right after, in percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="121"/>
        <source>Gain, in points of percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="36"/>
        <source>Takes pictures of the raster around each polygon and sends them to the Geo-R1 service as a data set. Every row that cannot be used is named in the log, with what mends it. Polygons near each other are never divided between learning and judging. The same labels and seed give the same data set.

The result is an id; “Train a model” takes it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="80"/>
        <source>Data set {id}: {train} pictures to learn from, {validation} to choose the checkpoint by, {held_out} held out for the verdict.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/build_dataset.py" line="89"/>
        <source>Nothing is held out, so that a training can give no verdict: the labels are too few or too near each other for that share.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="96"/>
        <source>No polygon is held out: they lie too near each other, or the share is 0. Draw some farther away, or ask for all of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="158"/>
        <source>{model}: {metric} {value:.0f} %, {samples} pictures, {objects} objects.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="157"/>
        <source>The way to the run is lost, not the run: {run} is in the Train tab of the dock.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="236"/>
        <source>Run {run} is stopped and saved; it can be resumed in the Train tab of the dock.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="180"/>
        <source>step {step} of {steps}: loss {loss:.3f}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="197"/>
        <source>Waiting for its turn…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="45"/>
        <source>Fine-tunes a model on a data set of “Build a training data set” and says whether it became better on pictures that it never saw. GAIN is in points of percent.

Cancel stops the run: it saves a checkpoint, and can be resumed in the Train tab of the dock.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground.py" line="32"/>
        <source>Find objects in a whole raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="30"/>
        <source>Raster to look at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground.py" line="46"/>
        <source>What to find, in plain words</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/label_algorithm.py" line="99"/>
        <source>Masks</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="35"/>
        <source>Part to look at (empty: all of it)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="53"/>
        <source>Metres per pixel that is sent (0: the raster&apos;s own)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="84"/>
        <source>Objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="87"/>
        <source>Objects that were found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="87"/>
        <source>Tiles that were answered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="87"/>
        <source>Tiles without an answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="99"/>
        <source>How it ended: finished or stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground.py" line="61"/>
        <source>EXPRESSION is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_telling.py" line="50"/>
        <source>{count} of {total} tiles have no answer. The first one: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/detect_all.py" line="34"/>
        <source>Find all objects of a kind</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/detect_all.py" line="37"/>
        <source>Finds every object of a kind (“storage tanks”, “white cars”, “ships near the pier”) in a raster, in an extent of it or in areas, tile by tile; what borders of tiles cut is one object.

Boxes are upright in the raster's own grid; with outlines, each object is drawn along its edge. Objects smaller than the smallest area are left out of the output.

Cancel keeps what was found until then. With a result file (under Advanced), a run that was cancelled or broke off goes on where it ended when it is started again with the same inputs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/detect_all.py" line="48"/>
        <source>Kind of object, in plain words</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="87"/>
        <source>Outlines instead of boxes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/detect_all.py" line="53"/>
        <source>Smallest area in square metres</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/detect_all.py" line="71"/>
        <source>“{query}” asks for one object: use “Find objects in a whole raster” (geo_r1:ground) for it, or name a kind, as in “all {kind}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground.py" line="35"/>
        <source>Asks about all of a raster, about an extent of it, or about areas one by one, tile by tile. What borders of tiles cut is one object in the output. A comparison (“the largest white tank left of the road”) is answered once, over everything (or once for each area), in metres; “all ships” gives all of them.

Cancel keeps what was found until then. With a result file (under Advanced), a run that was cancelled or broke off goes on where it ended when it is started again with the same inputs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="55"/>
        <source>Find a table of expressions in areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="58"/>
        <source>Asks every expression about every area (or about all of the raster, or an extent of it). Expressions come from a field of a table or layer, or are typed, one in a line; “all cars” gives all, “the largest roof” one in each area.

Objects are one layer, with the expression and the area of each. The table of counts has a row for each expression and area, also where nothing was found.

With a result file (under Advanced) nothing is asked twice when it is started again with the same inputs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="69"/>
        <source>Table with expressions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="77"/>
        <source>Field with the expressions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="85"/>
        <source>Expressions, one in a line</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="91"/>
        <source>Counts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="105"/>
        <source>There is no expression: type some in EXPRESSIONS, or give TABLE and FIELD.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="111"/>
        <source>There are {count} expressions, at most {limit} can be asked at once: split the table.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/ground_table.py" line="126"/>
        <source>TABLE is given without FIELD: choose the field that has the expressions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="37"/>
        <source>Areas, each with answers of its own (instead of a part)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="45"/>
        <source>Field that names the areas (empty: number of the feature)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="71"/>
        <source>Result file in which every tile is kept: run it again, and only what is missing is asked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="71"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_algorithm.py" line="100"/>
        <source>EXTENT and AREAS are both given: leave one of them empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_telling.py" line="17"/>
        <source>Areas that lie beside the raster and are left out: {count}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_telling.py" line="32"/>
        <source>{count} of {total} tiles were known from the result file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="43"/>
        <source>Asks the model for each polygon, in a picture around it, and counts what it finds: one object is right if the first box shares half of the union with it (Acc@0.5); of all objects it is F1 at the same limit, of masks their mean share of the union (gIoU).

With the labels, seed and share of “Build a training data set”, “held-out” are the very pictures that a training on that data set has not seen. SCORE is in percent; LOW and HIGH bound it by chance (95 %, over places) and are given from {count} objects on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="73"/>
        <source>Lower bound of the score, in percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="73"/>
        <source>Upper bound of the score, in percent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/evaluate.py" line="163"/>
        <source>{model}: {metric} {value:.0f} % (95 %: {low:.0f} to {high:.0f}), {samples} pictures, {objects} objects.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/detect_all.py" line="87"/>
        <source>MIN_AREA_M2 is {area:g}, but the ground size of “{layer}” is not known: give it a CRS, or leave MIN_AREA_M2 at 0.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_algorithm.py" line="211"/>
        <source>An object could not be written to OUTPUT: {reason}. Make some room, or choose another place, and run it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_algorithm.py" line="221"/>
        <source>The tiles that were answered are kept in {path}: run it again with the same inputs, and only the others are asked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_parameters.py" line="87"/>
        <source>Tiles that were not asked: no data, or beside all areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_telling.py" line="37"/>
        <source>{count} of {total} tiles were not asked: the raster has no data there, or they show no area.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/scene_telling.py" line="44"/>
        <source>{count} of {total} tiles were asked although parts of them could not be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="89"/>
        <source>Adapters (LoRA)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="90"/>
        <source>All that reads and answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="91"/>
        <source>How it sees as well</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../processing/train.py" line="93"/>
        <source>What learns</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>HeaderPanel</name>
    <message>
        <location filename="../gui/header.py" line="66"/>
        <source>Geo-R1 menu: service, server, models, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="67"/>
        <source>Service, server, models, log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="86"/>
        <source>Status of the service: {line}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="94"/>
        <source>Service at {address}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="102"/>
        <source>What exactly is sent, and where to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="121"/>
        <source>Nothing leaves this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="122"/>
        <source>Views and questions go to {host} (TLS)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="123"/>
        <source>⚠ Views and questions go to {host}, not encrypted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="124"/>
        <source>Views and questions go to {host}, and on if that is a tunnel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="130"/>
        <source>⚠ Not encrypted: views go on to {host}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="130"/>
        <source>Views and questions go on to {host}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="136"/>
        <source>⚠ {first}, and on to {host}, not encrypted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/header.py" line="136"/>
        <source>{first}, and on to {host}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Mend</name>
    <message>
        <location filename="../gui/notice.py" line="29"/>
        <source>Start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="30"/>
        <source>Enter token…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="31"/>
        <source>Connect to a server…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="32"/>
        <source>Choose command…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="33"/>
        <source>Look again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="35"/>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="36"/>
        <source>Write again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="37"/>
        <source>Show log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="38"/>
        <source>How to install…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="39"/>
        <source>How to update…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="40"/>
        <source>Update the plugin…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="34"/>
        <source>Unlock…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="41"/>
        <source>Use the project&apos;s CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="42"/>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Models</name>
    <message>
        <location filename="../gui/models_words.py" line="21"/>
        <source>{count} GB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="23"/>
        <source>{count} MB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="24"/>
        <source>{count} kB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="30"/>
        <source>Part of the installation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="31"/>
        <source>From the hub</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="32"/>
        <source>Folders</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="33"/>
        <source>Trained here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="34"/>
        <source>On other servers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="42"/>
        <source>loading…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="43"/>
        <source>loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="44"/>
        <source>cannot run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="128"/>
        <source>not named</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="54"/>
        <source>Licence: {licence}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="56"/>
        <source>From {repository} at {commit}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="58"/>
        <source>Engine: {engine} · id: {id}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="114"/>
        <source>{size} in {count} files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="118"/>
        <source>{size} are here already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="120"/>
        <source>{size} free</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="122"/>
        <source>only {size} free: too little</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="126"/>
        <source>Size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="127"/>
        <source>Place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="128"/>
        <source>Licence</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="129"/>
        <source>Commit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="134"/>
        <source>licence {licence}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="136"/>
        <source>Processor from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="139"/>
        <source>Left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="148"/>
        <source>It is here already, as “{model}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="149"/>
        <source>“{model}” is this repository at {commit}; “{revision}” has moved on since. The new one gets a place beside it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="161"/>
        <source>Asking the hub…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="163"/>
        <source>Comparing with its hash: {file}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="165"/>
        <source>{done} of {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="171"/>
        <source>{size} per second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="180"/>
        <source>{count} s left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="182"/>
        <source>{count} min left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="183"/>
        <source>{count} h left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="188"/>
        <source>can run code</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="189"/>
        <source>code</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="190"/>
        <source>another format</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="191"/>
        <source>not needed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="200"/>
        <source>{count} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="91"/>
        <source>{share} %</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="97"/>
        <source>It is on its way.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="98"/>
        <source>It was cut off; what has come is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="99"/>
        <source>It failed; what has come is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="101"/>
        <source>{done} of {size} are here. Revision {revision}, commit {commit}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="67"/>
        <source>Questions go to it already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="69"/>
        <source>It cannot run here; the lines above say why</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="76"/>
        <source>The service is too old for that</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="78"/>
        <source>It is part of the installation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="80"/>
        <source>It is not on this service&apos;s disk</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="82"/>
        <source>The folder was put there by hand: delete it in the same way</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_words.py" line="84"/>
        <source>It is in memory: unload it first</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelsController</name>
    <message>
        <location filename="../gui/models_controller.py" line="202"/>
        <source>Delete “{model}”?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="203"/>
        <source>{size} on the service&apos;s disk become free. It cannot be undone.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="207"/>
        <source>The curves and the verdict of its run stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="208"/>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="220"/>
        <source>Forget what has come of “{repository}”?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="221"/>
        <source>{size} on the service&apos;s disk become free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="224"/>
        <source>Forget</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="233"/>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="267"/>
        <source>on the server {host}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="288"/>
        <source>“{model}” is here, whole and checked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_controller.py" line="290"/>
        <source>Press Use to ask it from now on.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelsPanel</name>
    <message>
        <location filename="../gui/models_panel.py" line="73"/>
        <source>Get from the hub…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="90"/>
        <source>How much of the model has come</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="98"/>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="124"/>
        <source>Not finished</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="133"/>
        <source>Together {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="135"/>
        <source>On the disk of the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="215"/>
        <source>Use</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="217"/>
        <source>Unload</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="217"/>
        <source>Load</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="221"/>
        <source>Delete…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="226"/>
        <source>Go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="228"/>
        <source>Forget…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="267"/>
        <source>Models of the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="269"/>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="269"/>
        <source>State</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="269"/>
        <source>Disk</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="170"/>
        <source>{model}: questions go to it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/models_panel.py" line="76"/>
        <source>Without network, on the service&apos;s machine: {command}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Notice</name>
    <message>
        <location filename="../gui/notice.py" line="72"/>
        <source>Details…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="79"/>
        <source>Close this message</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="138"/>
        <source>request: {id}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/notice.py" line="139"/>
        <source>code: {code}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ProblemList</name>
    <message>
        <location filename="../gui/problem_list.py" line="39"/>
        <source>Problems of the labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/problem_list.py" line="41"/>
        <source>Row</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/problem_list.py" line="41"/>
        <source>Problem, and what mends it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/problem_list.py" line="68"/>
        <source>all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/problem_list.py" line="72"/>
        <source>Must be mended first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/problem_list.py" line="76"/>
        <source>Is left out</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ReasoningPanel</name>
    <message>
        <location filename="../gui/reasoning_panel.py" line="70"/>
        <source>Reasoning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/reasoning_panel.py" line="85"/>
        <source>The model thinks aloud here. Point at a coordinate to see the place on the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/reasoning_panel.py" line="90"/>
        <source>Reasoning of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/reasoning_panel.py" line="91"/>
        <source>Tab goes from coordinate to coordinate, Enter shows it on the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/reasoning_panel.py" line="120"/>
        <source>… (the rest is too long to be shown)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ResultFile</name>
    <message>
        <location filename="../layers/export.py" line="58"/>
        <source>{path} cannot be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="43"/>
        <source>{path} cannot be written: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="51"/>
        <source>The folder {folder} cannot be written: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="41"/>
        <source>{path} cannot be opened: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="42"/>
        <source>{path} cannot be made: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="71"/>
        <source>{path} exists and is not a Geo-R1 result file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="77"/>
        <source>Update the plugin to add to that file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/opening.py" line="55"/>
        <source>Detections go to {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="64"/>
        <source>{path} is read-only, or lies in a read-only folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../layers/failures.py" line="73"/>
        <source>{path} was written by a newer Geo-R1 (schema {version}; this one knows {known}).</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ResultLayer</name>
    <message>
        <location filename="../layers/result_layer.py" line="105"/>
        <source>{path} cannot be shown.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SceneController</name>
    <message>
        <location filename="../gui/scene_controller.py" line="173"/>
        <source>Reading the areas…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_controller.py" line="243"/>
        <source>Looking at everything…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_controller.py" line="277"/>
        <source>failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_controller.py" line="280"/>
        <source>Failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_controller.py" line="286"/>
        <source>stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_controller.py" line="287"/>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_controller.py" line="303"/>
        <source>Not every tile was answered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_controller.py" line="305"/>
        <source>{count} found, {listed} listed</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SceneForm</name>
    <message>
        <location filename="../gui/scene_form.py" line="30"/>
        <source>Features</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="33"/>
        <source>Polygon layer whose features are looked at</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="40"/>
        <source>Selected features only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="48"/>
        <source>Ground size of the pixels that are sent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="49"/>
        <source>Pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="53"/>
        <source>Looks from farther and farther away, until one picture shows everything</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="127"/>
        <source>the raster’s own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="127"/>
        <source>{n} × coarser</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="128"/>
        <source> ({size} m)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="51"/>
        <source>Also larger than two tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="111"/>
        <source>as on the map ({size} m)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="112"/>
        <source>as the models know best ({size} m)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_form.py" line="113"/>
        <source>{size} m</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ScenePlan</name>
    <message>
        <location filename="../capture/scene_plan.py" line="129"/>
        <source>{count} tiles of {size} px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="129"/>
        <source>1 tile of {size} px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="135"/>
        <source>at {size} m/px</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="138"/>
        <source>in {count} areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="249"/>
        <source>“{layer}” has no pixels in the areas that were chosen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="265"/>
        <source>The numbers of “{layer}” are of the type {type}, which QGIS does not draw.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_frame.py" line="40"/>
        <source>The ground size of “{layer}” is not known: give it a CRS, or look at its own pixels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_frame.py" line="47"/>
        <source>{size} m/px is finer than “{layer}” can be looked at ({native} m/px).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="138"/>
        <source>in 1 area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="147"/>
        <source>(up to {count} requests to its server)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/scene_plan.py" line="258"/>
        <source>“{layer}” is drawn by a server at any size and has no pixels of its own: look at it in the dock, which asks for a part and a size, or at a raster file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/web_scene.py" line="74"/>
        <source>“{layer}” is not in this area: move the map to where it is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/web_scene.py" line="80"/>
        <source>The ground size of “{layer}” is not known here: give it a CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/web_scene.py" line="102"/>
        <source>That would be up to {requests} requests to the server of “{layer}”; the limit is {limit}. Zoom in, choose fewer areas or coarser pixels ({size} m now), or look at a raster file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../capture/web_scene.py" line="151"/>
        <source>“{layer}” is served in degrees: add it in a projected CRS, such as EPSG:3857, to look at more than a view.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ScenePlanner</name>
    <message>
        <location filename="../gui/scene_planner.py" line="98"/>
        <source>There is no polygon layer: add one to the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_planner.py" line="141"/>
        <source>Geo-R1: reading areas</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SceneStatus</name>
    <message>
        <location filename="../gui/scene_status.py" line="37"/>
        <source>Progress over the raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_status.py" line="43"/>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_status.py" line="45"/>
        <source>Go on with the run that was stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_status.py" line="50"/>
        <source>Do not offer this; what was found stays</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_status.py" line="51"/>
        <source>Do not offer to go on</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SceneWords</name>
    <message>
        <location filename="../core/scene_words.py" line="18"/>
        <source>largest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="19"/>
        <source>smallest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="20"/>
        <source>longest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="21"/>
        <source>shortest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="22"/>
        <source>widest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="23"/>
        <source>narrowest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="24"/>
        <source>leftmost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="25"/>
        <source>rightmost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="26"/>
        <source>topmost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="27"/>
        <source>bottommost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="28"/>
        <source>northernmost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="29"/>
        <source>southernmost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="30"/>
        <source>easternmost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="31"/>
        <source>westernmost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="32"/>
        <source>most central</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="33"/>
        <source>least central</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="34"/>
        <source>nearest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="35"/>
        <source>farthest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="40"/>
        <source>left of</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="41"/>
        <source>right of</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="42"/>
        <source>above</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="43"/>
        <source>below</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="44"/>
        <source>north of</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="45"/>
        <source>south of</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="46"/>
        <source>east of</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="47"/>
        <source>west of</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="48"/>
        <source>inside</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="49"/>
        <source>outside</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="50"/>
        <source>on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="53"/>
        <source>Nothing was found to compare with.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="54"/>
        <source>{count} to compare with: for each object the nearest one counts.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="57"/>
        <source>One was asked for, {count} fit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="58"/>
        <source>{count} cannot be told apart by a pixel&apos;s breadth.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="59"/>
        <source>Only {count} fit; number {place} was asked for.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="60"/>
        <source>{count} are cut by the edge and may be larger than they seem.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/progress_words.py" line="15"/>
        <source>{n} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/progress_words.py" line="17"/>
        <source>{n} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/progress_words.py" line="19"/>
        <source>{n} h</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/progress_words.py" line="20"/>
        <source>{n} days</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="15"/>
        <source>{summary}, about {time}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/progress_words.py" line="26"/>
        <source>{done} of {total} tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/progress_words.py" line="31"/>
        <source>{count} found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/progress_words.py" line="33"/>
        <source>{time} left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="21"/>
        <source>“{query}” was stopped at {done} of {total} tiles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="31"/>
        <source>stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="39"/>
        <source>within</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/scene_words.py" line="63"/>
        <source>The ground size of the raster is not known: sizes and distances are in its own units, not metres.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="37"/>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="37"/>
        <source>Answered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="42"/>
        <source>{count} of {total} tiles without data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="52"/>
        <source>{count} of {total} tiles have no answer; Resume asks them again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="59"/>
        <source>Of {count} tiles, parts could not be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="62"/>
        <source>The first one: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/scene_comparing.py" line="136"/>
        <source>units</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../tasks/scene_comparing.py" line="136"/>
        <source>units²</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/scene_words.py" line="21"/>
        <source>“{query}” has answers for {done} of {total} tiles</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SendingPreview</name>
    <message>
        <location filename="../gui/preview.py" line="78"/>
        <source>Draw a rectangle on the map.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ServerDialog</name>
    <message>
        <location filename="../gui/server_dialog.py" line="53"/>
        <source>Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="225"/>
        <source>The service of this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="234"/>
        <source>A server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="228"/>
        <source>geo-r1, found by itself</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="229"/>
        <source>Command that starts the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="230"/>
        <source>Start it when it is needed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="238"/>
        <source>Address of the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="240"/>
        <source>Token for the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="272"/>
        <source>Command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="277"/>
        <source>Address</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="278"/>
        <source>Token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="101"/>
        <source>Asking {url}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="163"/>
        <source>{model} on {device} answers, version {version}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="164"/>
        <source>The certificate is good.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="201"/>
        <source>kept in QGIS&apos;s password store</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="210"/>
        <source>An address looks like https://server:8443.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="212"/>
        <source>Views and questions are sent to {host}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="215"/>
        <source>With http they and the token can be read by everybody on the way. Ask for an https address, or use an SSH tunnel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="241"/>
        <source>Keep the token in QGIS&apos;s password store</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="242"/>
        <source>Encrypted with your master password. Else it is forgotten with QGIS&apos;s end.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="248"/>
        <source>QGIS&apos;s password store is off: the token is kept for this session only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="251"/>
        <source>I know that it is not encrypted, and want it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/server_dialog.py" line="258"/>
        <source>Test the connection</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ServiceActions</name>
    <message>
        <location filename="../gui/service_actions.py" line="115"/>
        <source>Log of the Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="115"/>
        <source>The log is empty: the service has not been started on this machine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="135"/>
        <source>Looked at:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="136"/>
        <source>Install the Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="141"/>
        <source>Type this in a terminal, then choose “Look again” in the menu.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="142"/>
        <source>Update the Geo-R1 service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="155"/>
        <source>Nothing. The service runs on this machine ({url}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="178"/>
        <source>What leaves this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="192"/>
        <source>Start the service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="193"/>
        <source>Look again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="195"/>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="198"/>
        <source>Forget the answers of this session</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="201"/>
        <source>Log of the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="202"/>
        <source>What leaves this machine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="203"/>
        <source>How to install the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="129"/>
        <source>The service is a program of its own, so that nothing has to be installed into QGIS. Type one of these lines once in a terminal (Python 3.10 or newer; the second one in a clone of the repository), then choose “Start the service” in the menu. If it is installed already, say where it is under “Connect to a server…”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="194"/>
        <source>Connect to a server…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="156"/>
        <source>Your questions and pictures go to the server {url}, encrypted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="157"/>
        <source>Your questions, pictures and the token go to the server {url}. They are not encrypted: everybody on the way can read them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="161"/>
        <source>Your questions and pictures go to {url}, an address of this machine that was entered by hand. If it is a tunnel, they go on to its other end.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="200"/>
        <source>Check everything (doctor)…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="171"/>
        <source>With each question it gets the text of the question and one picture of the chosen area. The size of the picture stands under the question before you press Enter. Without a question nothing is sent; there is no telemetry and no account. If you get a model from the hub (tab Models), the service asks the hub for it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/service_actions.py" line="168"/>
        <source>The service at {url} passes your questions and pictures on to {host}, which runs the chosen model.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>StandingWords</name>
    <message>
        <location filename="../gui/standing_words.py" line="54"/>
        <source>Looking for the Geo-R1 service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="60"/>
        <source>ready in {seconds:.1f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="63"/>
        <source>ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="68"/>
        <source>busy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="70"/>
        <source>{count} waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="71"/>
        <source>Somebody else is asking. Your question will wait its turn.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="77"/>
        <source>The service is starting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="79"/>
        <source>{seconds:.0f} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="82"/>
        <source>This takes longer than usual. Its log tells what it is doing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="93"/>
        <source>The server does not answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="94"/>
        <source>Nothing answers at {url}. Is it running, and are you in its network?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="98"/>
        <source>The service is not running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="99"/>
        <source>It starts by itself with your next question.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="103"/>
        <source>The service does not accept the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="105"/>
        <source>It was probably restarted just now: look again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="107"/>
        <source>Enter the token that the server’s owner gave you.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="112"/>
        <source>The token is locked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="118"/>
        <source>The service is too old for this plugin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="122"/>
        <source>The plugin is too old for this service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="127"/>
        <source>Another program answers at {url}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="129"/>
        <source>Start the service: it takes a free port.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="132"/>
        <source>Check the address of the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="138"/>
        <source>The service has a fault</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="139"/>
        <source>Its log says more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/standing_words.py" line="150"/>
        <source>It speaks version {theirs}, the plugin speaks {ours}. Update the older one.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TextDialog</name>
    <message>
        <location filename="../gui/text_dialog.py" line="52"/>
        <source>Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/text_dialog.py" line="57"/>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Train</name>
    <message>
        <location filename="../gui/train_words.py" line="17"/>
        <source>Nothing can be started yet:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="19"/>
        <source>{count} labels are ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="21"/>
        <source>{count} expressions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="24"/>
        <source>{count} of them rejected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="26"/>
        <source>{count} left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="66"/>
        <source>{count} s left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="67"/>
        <source>{count} min left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="73"/>
        <source>waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="74"/>
        <source>running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="75"/>
        <source>stopping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="76"/>
        <source>stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="77"/>
        <source>finished</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="78"/>
        <source>failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="80"/>
        <source>step {step} of {steps}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="17"/>
        <source>{count} usable labels; at least {limit} are needed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="17"/>
        <source>Draw more polygons around objects of this kind.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="21"/>
        <source>Only {count} labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="21"/>
        <source>It can be tried; {limit} or more teach better.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="25"/>
        <source>{count:,} labels; the service takes {limit:,}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="25"/>
        <source>Select some of them and choose “Selected features”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="29"/>
        <source>The polygon layer has no CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="29"/>
        <source>Set it: right-click the layer ▸ Layer CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="33"/>
        <source>The raster has no CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="33"/>
        <source>Set it: right-click the raster ▸ Layer CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="37"/>
        <source>It is not said what the polygons show</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="37"/>
        <source>Type it above, or choose the field that says it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="41"/>
        <source>The expression is empty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="41"/>
        <source>Fill in the field.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="45"/>
        <source>The expression has {count:,} characters; {limit:,} are allowed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="45"/>
        <source>Say it in one sentence.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="51"/>
        <source>The row has no geometry</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="51"/>
        <source>Delete the row, or draw its polygon.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="55"/>
        <source>Not a polygon</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="55"/>
        <source>Draw a polygon around the object.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="59"/>
        <source>The polygon crosses itself</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="59"/>
        <source>Mend it with the vertex tool, or Processing ▸ Fix geometries.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="63"/>
        <source>Outside of “{raster}”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="63"/>
        <source>Choose the raster it was drawn on, or check the layer&apos;s CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="67"/>
        <source>The outline has {count:,} points; {limit:,} are allowed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="67"/>
        <source>Simplify it: Processing ▸ Simplify.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="71"/>
        <source>Only {size_px:g} pixels long on the raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="71"/>
        <source>Use a finer raster; below {limit_px:g} pixels nothing can be learned.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="77"/>
        <source>The same object as row {other}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="77"/>
        <source>Delete one of the two; it is used once.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="84"/>
        <source>Better on objects it never saw</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="85"/>
        <source>Worse on objects it never saw</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="86"/>
        <source>No difference that can be told from chance</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="87"/>
        <source>Too few held-out objects to tell, n = {n}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="91"/>
        <source>Found right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="39"/>
        <source>Checking the labels…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="40"/>
        <source>Looking for the service…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="41"/>
        <source>Taking pictures: {done} of {of}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="44"/>
        <source>Sending pictures: {done} of {of}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="47"/>
        <source>Starting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="49"/>
        <source>Training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="51"/>
        <source>Training: looking at the start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="52"/>
        <source>Saving and stopping…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="53"/>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="54"/>
        <source>Finished</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="55"/>
        <source>Failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="96"/>
        <source>{metric}: {before:.0f} % before, {after:.0f} % after; gain {gain:+.0f} points (95 %: {low:+.0f} to {high:+.0f}), n = {n}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../core/training_words.py" line="102"/>
        <source>{metric}: {before:.0f} % before, {after:.0f} % after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_words.py" line="48"/>
        <source>Waiting for its turn: one run at a time</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TrainController</name>
    <message>
        <location filename="../gui/train_controller.py" line="228"/>
        <source>Questions go to this model now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_controller.py" line="288"/>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_controller.py" line="290"/>
        <source>Check the labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_controller.py" line="292"/>
        <source>Start training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_controller.py" line="229"/>
        <source>Open the tab Ask, look at a place where you drew nothing, and ask in the words that you taught. Another model: menu ▸ Model.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TrainForm</name>
    <message>
        <location filename="../gui/train_form.py" line="31"/>
        <source>Polygon layer with the labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="33"/>
        <source>Raster that the labels were drawn on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="37"/>
        <source>Which rows to use</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="38"/>
        <source>Where it stands what a polygon shows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="41"/>
        <source>the round fish pond</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="42"/>
        <source>What the polygons show</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="43"/>
        <source>As you would ask for one of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="44"/>
        <source>What is asked for: one object or all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="45"/>
        <source>One object</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="46"/>
        <source>All objects</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="50"/>
        <source>More ▾</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="97"/>
        <source>Reviewed detections</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="98"/>
        <source>All features</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="99"/>
        <source>Selected features</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="100"/>
        <source>The same for all:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="103"/>
        <source>Field “{name}”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="134"/>
        <source>Polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="134"/>
        <source>They show</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="134"/>
        <source>On</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="134"/>
        <source>Find</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="47"/>
        <source>Mask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_form.py" line="53"/>
        <source>More choices: method, what learns, steps, seed</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TrainMore</name>
    <message>
        <location filename="../gui/train_more.py" line="26"/>
        <source>Method of training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="41"/>
        <source>Usual for the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="29"/>
        <source>Examples first, then DAPO</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="33"/>
        <source>Examples only (SFT)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="62"/>
        <source>as many as usual</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="76"/>
        <source>Steps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="78"/>
        <source>Seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="74"/>
        <source>Method</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="84"/>
        <source>So few steps can leave the model worse than it is now: take {limit} or more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="39"/>
        <source>What learns</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="42"/>
        <source>Adapters (LoRA)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="43"/>
        <source>All that reads and answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="44"/>
        <source>How it sees as well</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="75"/>
        <source>Learns</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_more.py" line="48"/>
        <source>How it sees as well: for pictures that look unlike any the model knows; takes nearly twice as long. With the embedded model and models made from it.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TrainPanel</name>
    <message>
        <location filename="../gui/train_panel.py" line="67"/>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_panel.py" line="128"/>
        <source>Use this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_panel.py" line="190"/>
        <source>Earlier runs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_panel.py" line="175"/>
        <source>Open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_panel.py" line="176"/>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_panel.py" line="55"/>
        <source>Teaches the model a kind of object that it does not know. Draw a polygon around each of about twenty, and around every other one that is near them; say what they show. The check tells what cannot be used, and starts nothing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_panel.py" line="128"/>
        <source>In use</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../gui/train_panel.py" line="164"/>
        <source>Judge by eye: use the model, and ask it where you drew nothing.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>UnfinishedOffer</name>
    <message>
        <location filename="../gui/scene_offer.py" line="40"/>
        <source>Geo-R1: looking for runs</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
