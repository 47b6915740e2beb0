// Plays a Faust program as rackd's workloads ask: a class is one voice, of which there are as many as notes.
//   PROGRAM SECONDS OUT.wav NOTES RELEASE     NOTES: lines of start, length [s], frequency [Hz], place; "-" plays one voice throughout
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>
#ifndef FAUSTFLOAT
#define FAUSTFLOAT float
#endif
struct Meta { void declare(const char*, const char*) {} };
// Where each control lies, by its name.
struct UI {
    std::map<std::string, FAUSTFLOAT*> controls;
    void openTabBox(const char*) {}
    void openHorizontalBox(const char*) {}
    void openVerticalBox(const char*) {}
    void closeBox() {}
    void addButton(const char* name, FAUSTFLOAT* at) { controls[name] = at; }
    void addCheckButton(const char* name, FAUSTFLOAT* at) { controls[name] = at; }
    void addVerticalSlider(const char* name, FAUSTFLOAT* at, FAUSTFLOAT, FAUSTFLOAT, FAUSTFLOAT, FAUSTFLOAT) { controls[name] = at; }
    void addHorizontalSlider(const char* name, FAUSTFLOAT* at, FAUSTFLOAT, FAUSTFLOAT, FAUSTFLOAT, FAUSTFLOAT) { controls[name] = at; }
    void addNumEntry(const char* name, FAUSTFLOAT* at, FAUSTFLOAT, FAUSTFLOAT, FAUSTFLOAT, FAUSTFLOAT) { controls[name] = at; }
    void addHorizontalBargraph(const char*, FAUSTFLOAT*, FAUSTFLOAT, FAUSTFLOAT) {}
    void addVerticalBargraph(const char*, FAUSTFLOAT*, FAUSTFLOAT, FAUSTFLOAT) {}
    void declare(FAUSTFLOAT*, const char*, const char*) {}
};
struct dsp { virtual ~dsp() {} };
<<includeIntrinsic>>
<<includeclass>>

struct Voice {
    mydsp program;
    UI ui;
    bool sounds = false;
    double end = 1e9;
    void set(const char* name, double value) {
        auto found = ui.controls.find(name);
        if (found != ui.controls.end()) *found->second = FAUSTFLOAT(value);
    }
};
struct Note { double at, held, frequency, pan; };

static void write(const char* path, const std::vector<float>& frames) {
    FILE* file = fopen(path, "wb");
    uint32_t bytes = frames.size() * 4, rate = 48000;
    auto four = [&](uint32_t number) { fwrite(&number, 4, 1, file); };
    auto two = [&](uint16_t number) { fwrite(&number, 2, 1, file); };
    fwrite("RIFF", 4, 1, file); four(36 + bytes); fwrite("WAVEfmt ", 8, 1, file);
    four(16); two(3); two(2); four(rate); four(rate * 8); two(8); two(32);
    fwrite("data", 4, 1, file); four(bytes); fwrite(frames.data(), 4, frames.size(), file);
    fclose(file);
}

int main(int count, char** words) {
    if (count < 5) return 2;
    double seconds = atof(words[1]), release = atof(words[4]);
    std::vector<Note> notes;
    if (strcmp(words[3], "-") == 0) {
        notes.push_back({0, 1e9, 0, 0});
    } else {
        FILE* file = fopen(words[3], "r");
        Note note;
        while (fscanf(file, "%lf %lf %lf %lf", &note.at, &note.held, &note.frequency, &note.pan) == 4) notes.push_back(note);
        fclose(file);
    }
    // Notes of W6 take the oldest of 64 voices; all others have a voice each.
    size_t voices = std::min<size_t>(notes.size(), notes.size() > 128 || notes.back().at > 0 ? 64 : 128), next = 0;
    mydsp::classInit(48000);
    std::vector<Voice*> all;
    for (size_t at = 0; at < voices; at++) {
        all.push_back(new Voice);
        all[at]->program.instanceInit(48000);
        all[at]->program.buildUserInterface(&all[at]->ui);
    }
    size_t blocks = size_t(seconds * 750);
    std::vector<float> frames(blocks * 128);
    float left[64], right[64];
    float* sides[2] = {left, right};
    for (size_t block = 0; block < blocks; block++) {
        double time = block / 750.0;
        for (; next < notes.size() && notes[next].at <= time; next++) {
            Voice* voice = all[next % voices];
            if (next >= voices) voice->program.instanceClear();
            voice->set("freq", notes[next].frequency);
            voice->set("pan", notes[next].pan);
            voice->set("gate", 1);
            voice->sounds = true;
            voice->end = time + notes[next].held;
        }
        float* out = &frames[block * 128];
        for (Voice* voice : all) {
            if (!voice->sounds) continue;
            if (time >= voice->end) voice->set("gate", 0);
            voice->program.compute(64, nullptr, sides);
            const float* second = voice->program.getNumOutputs() > 1 ? right : left;
            for (int at = 0; at < 64; at++) { out[2 * at] += left[at]; out[2 * at + 1] += second[at]; }
            if (time > voice->end + release) voice->sounds = false;
        }
    }
    write(words[2], frames);
}
